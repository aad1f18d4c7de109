import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { durationFromMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ReleaseReason, type Reservation } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { SeededRandom } from '../simulation/random.ts';
import type { CallRecord, ChangingMethod, History } from './history.ts';
import { CallFailure, openRpcClient, type RpcClient } from './rpc-client.ts';
import { COUNTER_STOCK, isCounterSku, SHIPPED_STOCK } from './stock.ts';

const CALL_DEADLINE_MS = 3_000;
/** How long a call may stay unanswered over all its attempts. */
const ANSWER_DEADLINE_MS = 60_000;
const RETRY_PAUSE_MS = 150;
const THINK_MIN_MS = 20;
const THINK_MAX_MS = 100;
/** Reservations one caller remembers to change later. */
const OWN_MAX = 30;
const SHORT_HOLD_MS = 3_000;
const LATER_MS = 86_400_000;

/** Definite answers: nothing was changed. After any other failure nobody knows. */
const REFUSALS = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

export interface WorkloadOptions {
  /** Addresses of the processes; each attempt of a call goes to the next one. */
  readonly targets: readonly string[];
  readonly seed: number;
  readonly callers: number;
  readonly history: History;
}

export interface Workload {
  /** Lets every caller get its answer, and ends. @throws Error where a call stays unanswered */
  stop(): Promise<void>;
}

/** Callers that reserve, release, fulfil and extend until stopped. What they choose depends on the seed alone. */
export function startWorkload({ targets, seed, callers, history }: WorkloadOptions): Workload {
  const stopping = new AbortController();
  const clients = targets.map(openRpcClient);
  const running = Array.from({ length: callers }, (_, at) =>
    act(new SeededRandom(seed * 1_000 + at), clients, history, stopping.signal),
  );
  const ended = Promise.allSettled(running);
  return {
    stop: async () => {
      stopping.abort();
      const failed = (await ended).find((result) => result.status === 'rejected');
      for (const client of clients) client.close();
      if (failed !== undefined) throw failed.reason;
    },
  };
}

async function act(random: SeededRandom, clients: readonly RpcClient[], history: History, signal: AbortSignal) {
  const own: Reservation[] = [];
  while (!signal.aborted) {
    const isNew = own.length === 0 || random.chance(0.55);
    const record = history.invoke(isNew ? planReserve(random) : planChange(random, own));
    await callUntilAnswered(record, random, clients, history);
    if (isNew && record.reservation !== null) own.push(record.reservation);
    if (own.length > OWN_MAX) own.shift();
    await sleep(random.int(THINK_MIN_MS, THINK_MAX_MS));
  }
}

type Plan = Pick<CallRecord, 'method' | 'requestId' | 'request' | 'reservationId'>;

function planReserve(random: SeededRandom): Plan {
  const stock = random.chance(0.7) ? SHIPPED_STOCK : COUNTER_STOCK;
  const skus = new Set([random.pick(stock).sku, ...(random.chance(0.3) ? [random.pick(stock).sku] : [])]);
  const exchangeId = `exchange-${randomUUID()}`;
  const request = {
    exchangeId,
    returnCaseId: `case-${random.int(1, 50)}`,
    orderId: `order-${exchangeId}`,
    customerRef: `customer-${random.int(1, 50)}`,
    channel: 'web',
    lines: [...skus].map((sku, at) => ({ sku, quantity: random.int(1, 3), orderLineId: `line-${at + 1}` })),
    facts: { reason: 'SIZE' },
    ...(random.chance(0.15) ? { holdWindow: durationFromMs(SHORT_HOLD_MS) } : {}),
  };
  return { method: 'reserve', requestId: randomUUID(), request, reservationId: '' };
}

function planChange(random: SeededRandom, own: Reservation[]): Plan {
  const at = random.int(0, own.length - 1);
  const found = own[at] as Reservation;
  const target = { case: 'reservationId' as const, value: found.reservationId };
  const plan = (method: ChangingMethod, request: Record<string, unknown>) => ({
    method,
    requestId: randomUUID(),
    request: { target, ...request },
    reservationId: found.reservationId,
  });
  const line = random.pick(found.lines);
  if (isCounterSku(line.sku) && random.chance(0.6)) {
    return plan('fulfil', { lines: [{ lineNumber: line.lineNumber, quantity: 1 }] });
  }
  if (random.chance(0.3) && !isShort(found)) {
    own.splice(at, 1);
    return plan('extend', {
      expireTime: timestampFromMs(expireAtOf(found) + LATER_MS),
    });
  }
  own.splice(at, 1);
  return plan('release', { reason: ReleaseReason.CANCELLED });
}

/** The deadline, in milliseconds since the Unix epoch. */
export function expireAtOf({ expireTime }: Reservation): number {
  return expireTime === undefined ? 0 : timestampMs(expireTime);
}

/** A short window may have been extended by the clock meanwhile, when the later deadline is not the later one any more. */
function isShort(reservation: Reservation): boolean {
  return (
    expireAtOf(reservation) - (reservation.createTime === undefined ? 0 : timestampMs(reservation.createTime)) <
    LATER_MS
  );
}

/** Repeats the call under its one request id, each time at another process, until somebody knows. */
async function callUntilAnswered(
  record: CallRecord,
  random: SeededRandom,
  clients: readonly RpcClient[],
  history: History,
): Promise<void> {
  const first = random.int(0, clients.length - 1);
  const giveUpAt = performance.now() + ANSWER_DEADLINE_MS;
  for (;;) {
    const client = clients[(first + record.attempts) % clients.length] as RpcClient;
    record.attempts += 1;
    try {
      const { reservation, replayed } = await send(client, record);
      history.succeed(record, reservation ?? null, replayed);
      return;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (REFUSALS.has(error.code)) {
        history.refuse(record, error.message);
        return;
      }
      record.unknown += 1;
      record.failure = error.message;
      if (performance.now() > giveUpAt) {
        throw new Error(`${record.method} ${record.requestId} was never answered: ${error.message}`);
      }
    }
    await sleep(RETRY_PAUSE_MS);
  }
}

/** Sends a recorded call, also again: the request id and the content are the recorded ones. */
export async function send(
  client: RpcClient,
  { method, requestId, request }: Pick<CallRecord, 'method' | 'requestId' | 'request'>,
): Promise<{ readonly reservation?: Reservation | undefined; readonly replayed: boolean }> {
  return await client.call(ReservationService.method[method], { ...request, requestId }, CALL_DEADLINE_MS);
}
