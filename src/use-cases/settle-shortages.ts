import { CLOCK_CALLER } from '../domain/caller.ts';
import type { PoolRef } from '../domain/working-set.ts';
import { type Command, NO_NEEDS, type UnitOfWork } from '../ports.ts';

/** Chooses victims, or gives units back, where an earlier unit of work had more to do than one may. */
export async function settleShortages(
  deps: { readonly unitOfWork: UnitOfWork },
  pools: readonly PoolRef[],
  signal: AbortSignal,
): Promise<void> {
  const commands = pools.map(
    ({ sku, warehouse }): Command => ({
      name: 'settle-shortage',
      caller: CLOCK_CALLER,
      claim: null,
      needs: { ...NO_NEEDS, skus: [sku] },
      lineCount: 1,
      trace: null,
      decide: (work) => {
        work.shortages.touch(sku, warehouse);
        return { answer: { kind: 'swept', count: 1 } };
      },
    }),
  );
  if (commands.length > 0) await deps.unitOfWork.submit(commands, { lane: 'background', signal });
}
