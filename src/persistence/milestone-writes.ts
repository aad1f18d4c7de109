import type { MilestoneReport } from '../domain/milestone-log.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { instant, type Statement } from './statements.ts';

/** Of one milestone the first report stands: an exchange without a reservation may hear of it again. */
export function milestoneStatements({ milestones, now }: WorkingSet): Statement[] {
  const { added } = milestones;
  if (added.length === 0) return [];
  const column = <T>(pick: (report: MilestoneReport) => T) => added.map(pick);
  return [
    {
      name: 'insert-milestones',
      text: `insert into milestone (exchange_id, reservation_id, milestone, occur_time, create_time, applied, actor,
          channel, reason, trace_id)
        select exchange_id, reservation_id, milestone, ${instant('occurred_at')}, ${instant('$9::float8')}, applied,
          actor, channel, reason, trace_id
        from unnest($1::text[], $2::uuid[], $3::text[], $4::float8[], $5::bool[], $6::text[], $7::text[], $8::text[],
          $10::text[]) as m (exchange_id, reservation_id, milestone, occurred_at, applied, actor, channel, reason, trace_id)
        on conflict (reservation_id, milestone, exchange_id) do nothing`,
      values: [
        column((report) => report.exchangeId),
        column((report) => report.reservationId),
        column((report) => report.milestone),
        column((report) => report.occurredAt),
        column((report) => report.applied),
        column((report) => report.cause.caller.principal),
        column((report) => report.cause.caller.channel),
        column((report) => report.cause.reason),
        now,
        column((report) => report.cause.traceId),
      ],
    },
  ];
}
