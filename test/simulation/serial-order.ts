import type { SimCommand } from './commands.ts';
import { applyCommand } from './model/apply.ts';
import type { Model, ModelOutcome } from './model/state.ts';

export interface Submitted {
  readonly command: SimCommand;
  readonly outcome: ModelOutcome;
  /** Position among all commands of the history. */
  readonly rank: number;
}

/** A model in which commands sent together happened one after the other, as they were answered. */
export interface Explanation {
  readonly model: Model;
  /** Positions of the commands in the order they took effect. */
  readonly order: readonly number[];
}

/**
 * Every serial order of the commands that gives each the answer it got, the given order first. With `fixed` only the
 * given order counts.
 */
export function* explain(model: Model, submitted: readonly Submitted[], fixed: boolean): Generator<Explanation> {
  yield* search(model, submitted, [], fixed);
}

function* search(
  model: Model,
  submitted: readonly Submitted[],
  order: readonly number[],
  fixed: boolean,
): Generator<Explanation> {
  if (order.length === submitted.length) {
    yield { model, order };
    return;
  }
  for (const [at, { command, outcome, rank }] of submitted.entries()) {
    if (order.includes(at)) continue;
    const next = structuredClone(model);
    if (JSON.stringify(applyCommand(next, command, rank)) === JSON.stringify(outcome)) {
      yield* search(next, submitted, [...order, at], fixed);
    }
    if (fixed) return;
  }
}

/** What the model answers when the commands come one after the other; for telling what was expected. */
export function expectedInOrder(model: Model, submitted: readonly Submitted[]): ModelOutcome[] {
  const next = structuredClone(model);
  return submitted.map(({ command, rank }) => applyCommand(next, command, rank));
}
