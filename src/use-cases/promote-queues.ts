import { WAITLIST_CALLER } from '../domain/promotion.ts';
import { type Command, NO_NEEDS, type UnitOfWork } from '../ports.ts';

/**
 * Serves what waits for these SKUs as far as there are units: a unit serves the queues of its SKUs before it decides
 * anything, so there is nothing left to decide. Served again it changes nothing.
 * @returns lines that were served
 */
export async function promoteQueues(
  deps: { readonly unitOfWork: UnitOfWork },
  skus: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const commands = skus.map(promotion);
  const outcomes = await deps.unitOfWork.submit(commands, { lane: 'background', signal });
  return outcomes.reduce(
    (sum, outcome) => (outcome.ok && outcome.answer.kind === 'swept' ? sum + outcome.answer.count : sum),
    0,
  );
}

function promotion(sku: string): Command {
  return {
    name: 'promote',
    caller: WAITLIST_CALLER,
    claim: null,
    needs: { ...NO_NEEDS, skus: [sku] },
    lineCount: 1,
    trace: null,
    decide: (work) => ({ answer: { kind: 'swept', count: work.waitlist.servedOf(sku) } }),
  };
}
