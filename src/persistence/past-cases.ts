import type { Pool } from 'pg';
import type { PastCase } from '../domain/past-case.ts';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { CaseFilter, CaseWalk, PastCases } from '../ports/past-cases.ts';
import { FIRST_ID } from './ledger/reservation-audit.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { type MadeRow, type RefusedRow, toMadeCase, toRefusedCase } from './past-case-rows.ts';
import { isUuid } from './plan.ts';
import { pruneFacts } from './request-facts.ts';
import { bodyText, instant, millis, NOW } from './statements.ts';

/** The first event of each reservation, with the facts that are kept beside it. */
const MADE = `select r.reservation_id, r.tracking_id, r.exchange_id, ${bodyText('e.body')} as body,
    f.attributes::text as attributes, f.postal_code, case when $1::boolean then (
      select count(*)::int from reservation o where o.customer_ref = r.customer_ref and o.customer_ref <> ''
        and (o.create_time, o.reservation_id) < (r.create_time, r.reservation_id)
        and (o.resolve_time is null or o.resolve_time > r.create_time)) end as live
  from reservation r join audit_event e on e.reservation_id = r.reservation_id and e.version = 1
  left join request_fact f on f.reservation_id = r.reservation_id`;

const MADE_IN_TIME = `r.create_time >= ${instant('$2::float8')} and r.create_time < ${instant('$3::float8')}
  and (not $4::boolean or r.resolve_time is null)`;

const REFUSED_IN_TIME = `create_time >= ${instant('$1::float8')} and create_time < ${instant('$2::float8')}`;

export function createPastCases(pool: Pool): PastCases {
  return {
    walk: (filter, token, countLive) => walk(pool, filter, token, countLive),
    async ofReservations(reservationIds, countLive) {
      const result = await pool.query<MadeRow>({
        name: 'past-cases-of',
        text: `${MADE} where r.reservation_id = any($2::uuid[])`,
        values: [countLive, reservationIds.filter(isUuid)],
      });
      return result.rows.map(toMadeCase);
    },
    prune: (olderThanMs, limit) => pruneFacts(pool, olderThanMs, limit),
  };
}

/** Where a walk is, and what it was bounded by when it began. */
interface Position {
  readonly until: number;
  readonly total: number;
  /** The last reservation; null once all were met. */
  readonly reservationId: string | null;
  /** The last refusal. */
  readonly refused: readonly [refusedAt: number, exchangeId: string, reason: string];
}

async function walk(pool: Pool, filter: CaseFilter, token: string, countLive: boolean): Promise<CaseWalk> {
  let position: Position | null = readPosition(filter, token) ?? (await begin(pool, filter));
  const { total } = position;
  return {
    total,
    get token() {
      return position === null ? '' : toToken(filter, position);
    },
    async next(limit) {
      if (position === null) return [];
      const { cases, next } = await readNext(pool, filter, position, { limit, countLive });
      position = next;
      return cases;
    },
  };
}

interface Reading {
  readonly limit: number;
  readonly countLive: boolean;
}

async function begin(pool: Pool, { from, until, liveOnly }: CaseFilter): Promise<Position> {
  const result = await pool.query<{ until: number; total: number }>({
    name: 'count-past-cases',
    text: `with bound as (select coalesce($2::float8, ${millis(NOW)}) as until)
      select until, (select count(*) from reservation r where r.create_time >= ${instant('$1::float8')}
          and r.create_time < ${instant('until')} and (not $3::boolean or r.resolve_time is null))::float8
        + (select count(*) from refused_reserve where not $3::boolean and create_time >= ${instant('$1::float8')}
          and create_time < ${instant('until')})::float8 as total from bound`,
    values: [from ?? 0, until, liveOnly],
  });
  const [row] = result.rows;
  return { until: row?.until ?? 0, total: row?.total ?? 0, reservationId: FIRST_ID, refused: [0, '', ''] };
}

/** Reservations by id, then refusals by their last time; a read that comes to the end of one goes on with the other. */
async function readNext(
  pool: Pool,
  filter: CaseFilter,
  position: Position,
  reading: Reading,
): Promise<{ readonly cases: readonly PastCase[]; readonly next: Position | null }> {
  const { reservationId } = position;
  if (reservationId === null) return await readRefused(pool, filter, position, reading);
  const result = await pool.query<MadeRow>({
    name: 'past-cases',
    text: `${MADE} where ${MADE_IN_TIME} and r.reservation_id > $5::uuid order by r.reservation_id limit $6::int`,
    values: [reading.countLive, filter.from ?? 0, position.until, filter.liveOnly, reservationId, reading.limit],
  });
  const cases = result.rows.map(toMadeCase);
  const last = result.rows.at(-1);
  if (last !== undefined && cases.length === reading.limit) {
    return { cases, next: { ...position, reservationId: last.reservation_id } };
  }
  if (filter.liveOnly) return { cases, next: null };
  const rest = { ...reading, limit: reading.limit - cases.length };
  const refused = await readRefused(pool, filter, { ...position, reservationId: null }, rest);
  return { cases: [...cases, ...refused.cases], next: refused.next };
}

async function readRefused(pool: Pool, { from }: CaseFilter, position: Position, { limit }: Reading) {
  const result = await pool.query<RefusedRow>({
    name: 'past-refusals',
    text: `select exchange_id, reason, message, metadata::text as metadata, channel, rule_version::float8 as rule_version,
        ${millis('create_time')} as refused_at, asked::text as asked
      from refused_reserve where ${REFUSED_IN_TIME}
        and (create_time, exchange_id, reason) > (${instant('$3::float8')}, $4::text, $5::text)
      order by create_time, exchange_id, reason limit $6::int`,
    values: [from ?? 0, position.until, ...position.refused, limit],
  });
  const last = result.rows.at(-1);
  const isMore = last !== undefined && result.rows.length === limit;
  return {
    cases: result.rows.map(toRefusedCase),
    next: isMore ? { ...position, refused: [last.refused_at, last.exchange_id, last.reason] as const } : null,
  };
}

function toToken(filter: CaseFilter, { until, total, reservationId, refused }: Position): string {
  return makePageToken(filter, [until, total, reservationId ?? '', ...refused].map(String));
}

function readPosition(filter: CaseFilter, token: string): Position | null {
  const parts = readPageToken(filter, token, 6);
  if (parts === null) return null;
  const [until = '', total = '', reservationId = '', refusedAt = '', exchangeId = '', reason = ''] = parts;
  const isReadable = [until, total, refusedAt].every((part) => /^\d{1,15}$/.test(part));
  if (!isReadable || (reservationId !== '' && !isUuid(reservationId))) throw new InvalidPageToken();
  return {
    until: Number(until),
    total: Number(total),
    reservationId: reservationId === '' ? null : reservationId,
    refused: [Number(refusedAt), exchangeId, reason],
  };
}
