import type { Milestone } from '../../domain/milestone-rules.ts';
import { isLive, type Reservation } from '../../domain/reservation.ts';
import type { Statement } from '../statements.ts';
import type { DriftList } from './drift-list.ts';

/** A live reservation whose rules name a milestone for picks, or whose pick awaits one. */
export interface StoredPick {
  readonly reservation_id: string;
  /** What its rules name, or null. */
  readonly pick_on: Milestone | null;
  /** Whether that, or what its pick awaits, was reported of its exchange. */
  readonly is_reported: boolean;
}

export function pickRows(range: readonly string[]): Statement {
  return {
    name: 'audit-picks',
    text: `select r.reservation_id, v.body ->> 'pickOn' as pick_on, exists (select 1 from milestone m
          where m.exchange_id = r.exchange_id and m.milestone = coalesce(r.pick_awaits, v.body ->> 'pickOn')) as is_reported
      from reservation r join rule_version v on v.version = r.rule_version
      where r.reservation_id > $1::uuid and r.reservation_id <= $2::uuid and r.resolve_time is null
        and (r.pick_awaits is not null or v.body ->> 'pickOn' is not null)`,
    values: [...range],
  };
}

/**
 * A pick awaits what the rules of its reservation name until it was reported, and nothing else. Where other rules were
 * applied since, it may have been asked for by those before.
 */
export function checkPick(
  { pick_on, is_reported }: StoredPick,
  states: readonly (Reservation | null)[],
  trackingId: string,
  drifts: DriftList,
): void {
  const last = states.at(-1) ?? null;
  if (last === null || !isLive(last)) return;
  const { pickAwaits, ruleVersion } = last;
  const isApplied = states[0]?.ruleVersion !== ruleVersion;
  if (pickAwaits === undefined) {
    if (is_reported || isApplied) return;
    drifts.add('PICK', 0, 1, `a pick was asked for before ${pick_on} was reported`, { trackingId });
  } else if (pickAwaits !== pick_on) {
    drifts.add('PICK', 0, 1, `its pick awaits ${pickAwaits}, which its rules do not name`, { trackingId });
  } else if (is_reported) {
    drifts.add('PICK', 1, 0, `${pickAwaits} was reported, and no pick was asked for`, { trackingId });
  }
}

/** What was asked for is never awaited again. */
export function checkAwaited(
  before: Reservation,
  after: Reservation,
  place: { readonly trackingId: string; readonly eventId: string },
  drifts: DriftList,
): void {
  if (after.pickAwaits === undefined || before.pickAwaits !== undefined) return;
  drifts.add('PICK', 1, 0, `awaits ${after.pickAwaits} after a pick was asked for`, place);
}
