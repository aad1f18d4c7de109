import type { ReachedMilestone } from '../domain/milestone.ts';
import type { Milestone } from '../domain/milestone-rules.ts';
import { instant, millis, NOW, type Statement } from './statements.ts';

/** What a unit reads under its locks beside the rows it has locked. */

/** Milestones of locked reservations, of which others can add none meanwhile. */
export function readMilestones(ids: readonly string[]): Statement {
  return {
    name: 'read-milestones',
    text: `select m.reservation_id, m.milestone, ${millis('m.occur_time')} as occurred_at from milestone m
      where m.reservation_id = any($1::uuid[])`,
    values: [ids],
  };
}

export interface MilestoneRow {
  readonly reservation_id: string;
  readonly milestone: Milestone;
  readonly occurred_at: number;
}

export function milestonesByReservation(rows: readonly MilestoneRow[]): Map<string, ReachedMilestone[]> {
  const reached = new Map<string, ReachedMilestone[]>();
  for (const { reservation_id, milestone, occurred_at } of rows) {
    const list = reached.get(reservation_id) ?? [];
    list.push({ milestone, occurredAt: occurred_at });
    reached.set(reservation_id, list);
  }
  return reached;
}

/** On hand movements after the counts' own times, to be applied on top of them; equal counts are asked for once. */
export function readMovedSince(
  counts: readonly { readonly sku: string; readonly warehouse: string; readonly since: number }[],
): Statement {
  return {
    name: 'read-moved-since',
    text: `select wanted.sku, wanted.warehouse, wanted.since, coalesce(sum(m.on_hand_delta), 0)::float8 as moved
      from (select distinct * from unnest($1::text[], $2::text[], $3::float8[])) as wanted (sku, warehouse, since)
      left join stock_movement m on m.sku = wanted.sku and m.warehouse = wanted.warehouse
        and m.occur_time > ${instant('wanted.since')}
      group by 1, 2, 3`,
    values: [
      counts.map((count) => count.sku),
      counts.map((count) => count.warehouse),
      counts.map((count) => count.since),
    ],
  };
}

/**
 * The one reading of the clock in a unit, after all locks are held, with the versions of what is cached and the id by
 * which the transaction is known should its commit go unanswered.
 */
export function readClock(): Statement {
  return {
    name: 'read-clock',
    text: `select ${millis(NOW)} as now, catalog_version::text as catalog_version,
        pg_current_xact_id_if_assigned()::text as xid,
        (select max(version) from rule_version where effective_time <= ${NOW})::float8 as rule_version
      from incarnation`,
    values: [],
  };
}
