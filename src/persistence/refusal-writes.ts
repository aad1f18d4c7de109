import type { AskedLine } from '../domain/asked-request.ts';
import type { Refusal, RefusalReason } from '../domain/refusal.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { RefusedRequest } from '../ports/refusals.ts';
import type { AskedReserve, Command, Outcome, SeenByRefusal } from '../ports.ts';
import { instant, joinJson, jsonArray, type Statement } from './statements.ts';

/** What is said of a request, of the service or of the call, and not of the exchange. */
const NOT_OF_THE_EXCHANGE: ReadonlySet<RefusalReason> = new Set(['REQUEST_ID_REUSED', 'INTERNAL', 'UNSUPPORTED']);

/** Words of the rules, which their version tells, and of a rule that failed, which may repeat what a caller wrote. */
const NOT_NUMBERS: ReadonlySet<string> = new Set(['customer_message', 'staff_message', 'failure']);

interface RefusedRow {
  readonly command: Command;
  readonly asked: AskedReserve;
  readonly refusal: Refusal;
  /** Nothing where no other rules could have decided otherwise. */
  readonly decision: SeenByRefusal;
  readonly times: number;
}

/** One row for each exchange and reason, beside everything else the unit writes; nothing where nothing was refused. */
export function refusalStatements(outcomes: ReadonlyMap<Command, Outcome>, work: WorkingSet): Statement[] {
  const rows = [...refusedRows(outcomes)].map(([, row]) => row);
  if (rows.length === 0) return [];
  const column = <T>(pick: (row: RefusedRow) => T) => rows.map(pick);
  return [
    {
      name: 'keep-refusals',
      text: `insert into refused_reserve as r (exchange_id, reason, return_case_id, order_id, sku, warehouse, channel, actor,
          actor_type, rule_version, message, metadata, times, first_time, create_time, trace_id, asked)
        select exchange_id, reason, return_case_id, order_id, sku, warehouse, channel, actor, actor_type, $14::bigint,
          message, metadata, times, ${instant('$15::float8')}, ${instant('$15::float8')}, trace_id, asked
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
          $9::text[], $10::text[], ${jsonArray('$11')}, $12::int[], $13::text[],
          ${jsonArray('$16')})
          as w (exchange_id, reason, return_case_id, order_id, sku, warehouse, channel, actor, actor_type, message,
            metadata, times, trace_id, asked)
        on conflict (exchange_id, reason) do update set return_case_id = excluded.return_case_id,
          order_id = excluded.order_id, sku = excluded.sku, warehouse = excluded.warehouse, channel = excluded.channel,
          actor = excluded.actor, actor_type = excluded.actor_type, rule_version = excluded.rule_version,
          message = excluded.message, metadata = excluded.metadata, create_time = excluded.create_time,
          trace_id = excluded.trace_id, asked = excluded.asked, times = least(r.times::bigint + excluded.times, 2147483647)::int`,
      values: [
        column((row) => row.asked.exchangeId),
        column((row) => row.refusal.reason),
        column((row) => row.asked.returnCaseId),
        column((row) => row.asked.orderId),
        column((row) => row.refusal.metadata.sku ?? ''),
        column((row) => row.refusal.metadata.warehouse ?? ''),
        column((row) => row.asked.request.channel),
        column((row) => row.command.caller.principal),
        column((row) => row.command.caller.actorType),
        column((row) => messageOf(row.refusal)),
        joinJson(column((row) => JSON.stringify(numbersOf(row.refusal)))),
        column((row) => row.times),
        column((row) => row.command.trace?.traceId ?? ''),
        work.rules.version,
        work.now,
        joinJson(column((row) => JSON.stringify(refusedRequest(row)))),
      ],
    },
  ];
}

/** The last refusal of each exchange and reason in this unit, and how many there were. */
function refusedRows(outcomes: ReadonlyMap<Command, Outcome>): Map<string, RefusedRow> {
  const rows = new Map<string, RefusedRow>();
  for (const [command, outcome] of outcomes) {
    const { asked } = command;
    if (outcome.ok || asked === undefined || NOT_OF_THE_EXCHANGE.has(outcome.refusal.reason)) continue;
    const key = `${outcome.refusal.reason}\u0000${asked.exchangeId}`;
    const { refusal } = outcome;
    rows.set(key, { command, asked, refusal, decision: outcome, times: (rows.get(key)?.times ?? 0) + 1 });
  }
  return rows;
}

/** What was asked for, without the customer, and the pools as the decision saw them, where other rules might care. */
function refusedRequest({ asked: { request }, decision }: RefusedRow): RefusedRequest | null {
  const { seen, substitutes } = decision;
  if (seen === undefined) return null;
  const { lines, facts, destination, partial, waitlist, acceptSubstitutes, holdWindowMs, customerRef } = request;
  return {
    lines: lines.map(({ sku, quantity, warehouse }, at) => ({
      sku,
      quantity,
      warehouse,
      ...instead(substitutes?.[at]),
    })),
    facts,
    destination,
    partial,
    ...(waitlist === true ? { waitlist } : {}),
    ...(acceptSubstitutes === true ? { acceptSubstitutes } : {}),
    holdWindowMs,
    isOfCustomer: customerRef !== '',
    seen,
  };
}

function instead(substitutes: readonly string[] = []): Pick<AskedLine, 'substitutes'> {
  return substitutes.length === 0 ? {} : { substitutes };
}

/** A rule's own words are left out with its messages. */
function messageOf({ metadata, message }: Refusal): string {
  return metadata.staff_message === undefined ? message : `rule ${metadata.rule} does not allow it`;
}

function numbersOf({ metadata }: Refusal): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !NOT_NUMBERS.has(name)));
}
