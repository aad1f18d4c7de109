import { type Command, NO_NEEDS } from '../../src/ports.ts';

/** A command that only tells that it was decided. */
export function plainCommand(principal = 'tester', onDecide: () => void = () => undefined): Command {
  return {
    name: 'plain',
    caller: { principal, actorType: 'SERVICE', channel: '' },
    claim: null,
    needs: NO_NEEDS,
    lineCount: 1,
    trace: null,
    decide: () => {
      onDecide();
      return { answer: { kind: 'swept', count: 1 } };
    },
  };
}

/** One that locks the pools of SKUs. */
export function commandOn(skus: readonly string[], principal?: string): Command {
  return { ...plainCommand(principal), needs: { ...NO_NEEDS, skus } };
}
