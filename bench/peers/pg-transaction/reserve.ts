import { createHash, randomBytes } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import type { Pool, PoolClient } from 'pg';
import { v7 } from 'uuid';
import { type ReserveRequest, ReserveRequestSchema } from '../../../src/gen/earmark/v1/reserve_pb.ts';
import { CLAIM, FIND_ANSWER, INSERT_EVIDENCE, INSERT_RESERVATION, type NamedStatement, TAKE } from './statements.ts';

/** The one warehouse of the peer. */
export const PEER_WAREHOUSE = 'BENCH';

/** How long the peer holds units, in milliseconds: 14 days. */
const HOLD_MS = 1_209_600_000;

/** What is stored as the state after the reservation, and answered. Instants are milliseconds since the Unix epoch. */
export interface HeldState {
  readonly reservationId: string;
  readonly trackingId: string;
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  readonly createdAt: number;
  readonly expireAt: number;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export type PeerOutcome =
  | { readonly ok: true; readonly state: HeldState; readonly replayed: boolean }
  | { readonly ok: false; readonly reason: PeerRefusal; readonly message: string };

export type PeerRefusal = 'INVALID_FIELD' | 'NO_STOCK' | 'REQUEST_ID_REUSED' | 'EXCHANGE_ALREADY_RESERVED';

/**
 * Reserves in one transaction: all lines or none, once per request id.
 * @throws DatabaseError where PostgreSQL fails; nothing is kept then
 */
export async function reserveInTransaction(pool: Pool, request: ReserveRequest): Promise<PeerOutcome> {
  const invalid = findInvalid(request);
  if (invalid !== null) return { ok: false, reason: 'INVALID_FIELD', message: invalid };
  const contentHash = createHash('sha256').update(toBinary(ReserveRequestSchema, request)).digest();
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const outcome = await decide(client, request, contentHash);
    await client.query(outcome.ok && !outcome.replayed ? 'commit' : 'rollback');
    return outcome;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

async function decide(client: PoolClient, request: ReserveRequest, contentHash: Buffer): Promise<PeerOutcome> {
  const state = toState(request, Date.now());
  const claim = [request.requestId, contentHash, request.exchangeId, state.reservationId];
  const [claimed] = await run<{ isNew: boolean; isOpen: boolean }>(client, CLAIM, claim);
  if (claimed?.isNew !== true) return await replay(client, request.requestId, contentHash);
  if (!claimed.isOpen) {
    return { ok: false, reason: 'EXCHANGE_ALREADY_RESERVED', message: 'the exchange has a reservation' };
  }
  const pools: PoolRow[] = [];
  // In the order of their SKUs, so that two calls never wait for each other.
  for (const [sku, quantity] of demandBySku(request)) {
    const [taken] = await run<Omit<PoolRow, 'sku'>>(client, TAKE, [sku, PEER_WAREHOUSE, quantity]);
    if (taken === undefined) return { ok: false, reason: 'NO_STOCK', message: `not enough of ${sku}` };
    pools.push({ sku, ...taken });
  }
  await insertReservation(client, request, state);
  await insertEvidence(client, state, pools);
  return { ok: true, state, replayed: false };
}

interface PoolRow {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly version: number;
}

async function replay(client: PoolClient, requestId: string, contentHash: Buffer): Promise<PeerOutcome> {
  const [answer] = await run<{ contentHash: Buffer; state: HeldState }>(client, FIND_ANSWER, [requestId]);
  if (answer === undefined) throw new Error('a claimed request id has its answer');
  return answer.contentHash.equals(contentHash)
    ? { ok: true, state: answer.state, replayed: true }
    : { ok: false, reason: 'REQUEST_ID_REUSED', message: 'the request id was used with other content' };
}

async function insertReservation(client: PoolClient, request: ReserveRequest, state: HeldState): Promise<void> {
  await run(client, INSERT_RESERVATION, [
    state.reservationId,
    state.trackingId,
    state.exchangeId,
    state.returnCaseId,
    state.orderId,
    request.customerRef,
    request.channel,
    new Date(state.createdAt),
    new Date(state.expireAt),
    state.lines.map((_line, index) => index + 1),
    state.lines.map((line) => line.sku),
    state.lines.map(() => PEER_WAREHOUSE),
    state.lines.map((line) => line.quantity),
  ]);
}

async function insertEvidence(client: PoolClient, state: HeldState, pools: readonly PoolRow[]): Promise<void> {
  const afterState = JSON.stringify(state);
  await run(client, INSERT_EVIDENCE, [
    state.reservationId,
    v7(),
    'caller',
    afterState,
    new Date(state.createdAt),
    ['reservation', ...pools.map(() => 'pool')],
    [state.reservationId, ...pools.map((row) => row.sku)],
    [1, ...pools.map((row) => row.version)],
    [afterState, ...pools.map((row) => JSON.stringify(row))],
  ]);
}

async function run<T>(client: PoolClient, statement: NamedStatement, values: unknown[]): Promise<T[]> {
  const result = await client.query({ ...statement, values });
  return result.rows as T[];
}

function toState(request: ReserveRequest, now: number): HeldState {
  return {
    reservationId: v7(),
    trackingId: `P-${randomBytes(10).toString('hex').toUpperCase()}`,
    exchangeId: request.exchangeId,
    returnCaseId: request.returnCaseId,
    orderId: request.orderId,
    createdAt: now,
    expireAt: now + HOLD_MS,
    lines: request.lines.map(({ sku, quantity }) => ({ sku, quantity })),
  };
}

function demandBySku(request: ReserveRequest): [string, number][] {
  const demand = new Map<string, number>();
  for (const { sku, quantity } of request.lines) demand.set(sku, (demand.get(sku) ?? 0) + quantity);
  return [...demand].sort(([left], [right]) => (left < right ? -1 : 1));
}

function findInvalid(request: ReserveRequest): string | null {
  if (request.requestId === '') return 'request_id is required';
  if (request.exchangeId === '') return 'exchange_id is required';
  if (request.lines.length === 0) return 'lines must not be empty';
  return request.lines.some((line) => line.sku === '' || line.quantity < 1) ? 'a line is malformed' : null;
}
