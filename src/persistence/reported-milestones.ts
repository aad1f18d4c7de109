import type { PoolClient } from 'pg';
import type { Milestone } from '../domain/milestone-rules.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { Rules } from '../domain/rules.ts';
import type { Command } from '../ports.ts';
import type { LockSet } from './locks.ts';
import { pipeline, rowsOf } from './statements.ts';

/**
 * What was reported of the exchanges that commands may ask a pick for; null where no pick awaits anything, which spares
 * the trip. Whoever reports a milestone of an exchange holds its row or that of its newest reservation, as this unit does.
 */
export async function loadReported(
  client: PoolClient,
  commands: readonly Command[],
  {
    locks,
    reservations,
    rules,
  }: { readonly locks: LockSet; readonly reservations: readonly Reservation[]; readonly rules: Rules },
): Promise<Map<string, Set<Milestone>> | null> {
  if (rules.pickOn === null && !locks.newRules) return null;
  const isApplied = commands.some(({ needs }) => needs.reachedMilestones === true);
  const exchangeIds = new Set([
    ...commands.flatMap(({ needs }) => needs.exchanges.map(({ exchangeId }) => exchangeId)),
    ...(isApplied ? reservations.map(({ exchangeId }) => exchangeId) : []),
  ]);
  const reported = new Map<string, Set<Milestone>>();
  if (exchangeIds.size === 0) return reported;
  const [result] = await pipeline(client, 'read reported', [
    {
      name: 'read-reported',
      text: 'select distinct exchange_id, milestone from milestone where exchange_id = any($1::text[])',
      values: [[...exchangeIds]],
    },
  ]);
  for (const row of rowsOf<{ exchange_id: string; milestone: Milestone }>(result)) {
    reported.set(row.exchange_id, (reported.get(row.exchange_id) ?? new Set()).add(row.milestone));
  }
  return reported;
}
