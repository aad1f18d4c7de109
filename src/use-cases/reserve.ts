import type { Caller } from '../domain/caller.ts';
import {
  checkEligibility,
  checkOrderLine,
  type Destination,
  type ExchangeFacts,
  notEligible,
} from '../domain/eligibility.ts';
import { chooseHoldWindow, deadlineOf } from '../domain/hold-window.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { type Allocation, isLive, type LiveReservation, type ReservationLine } from '../domain/reservation.ts';
import { checkSizeLimits, forChannel, ruleLimit } from '../domain/rules.ts';
import { inPriorityOrder, type LineDemand, type Placement, source, type Warehouse } from '../domain/sourcing.ts';
import { makeTrackingId, TRACKING_ID_RANDOM_BYTES } from '../domain/tracking-id.ts';
import { alreadyResolved } from '../domain/transition.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, type Ids, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, callerOptions, causeOf, claimOf, type RequestKey, reservationAnswer } from './call.ts';

/** Reserve, each request inside BatchReserve, and ReserveStream share one scope of request ids. */
const METHOD = 'Reserve';

/** Commands of a batch that may be decided in one unit of work. */
export const RESERVE_GROUP_MAX = 250;

/** Request lines of a batch that may be decided in one unit of work. */
export const RESERVE_GROUP_LINES_MAX = 1_000;

export interface ReserveLineInput {
  readonly sku: string;
  readonly quantity: number;
  readonly orderLineId: string;
  readonly returnedSku: string;
  readonly warehouse: string;
  /** Units bought on the order line; 0 where unknown. */
  readonly purchasedQuantity: number;
}

export interface ReserveInput extends RequestKey {
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  readonly customerRef: string;
  readonly channel: string;
  readonly lines: readonly ReserveLineInput[];
  readonly facts: ExchangeFacts;
  readonly destination: Destination;
  /** Takes what there is and forgets the rest, instead of refusing. */
  readonly partial: boolean;
  readonly holdWindowMs: number | null;
  readonly priority: number;
  readonly validateOnly: boolean;
}

/** Reserves each request in order, against what the earlier ones left. One outcome each, in order. */
export async function reserve(
  deps: { readonly unitOfWork: UnitOfWork; readonly ids: Ids },
  inputs: readonly ReserveInput[],
  call: Call,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const group of groups(inputs)) {
    const commands = group.map((input) => reserveCommand(input, call, deps.ids));
    outcomes.push(...(await deps.unitOfWork.submit(commands, callerOptions(call))));
  }
  return outcomes;
}

function groups(inputs: readonly ReserveInput[]): ReserveInput[][] {
  const result: ReserveInput[][] = [];
  let lines = 0;
  for (const input of inputs) {
    const current = result.at(-1);
    lines += input.lines.length;
    if (current === undefined || current.length >= RESERVE_GROUP_MAX || lines > RESERVE_GROUP_LINES_MAX) {
      result.push([input]);
      lines = input.lines.length;
    } else {
      current.push(input);
    }
  }
  return result;
}

function reserveCommand(input: ReserveInput, call: Call, ids: Ids): Command {
  const reservationId = ids.uuid();
  const trackingId = makeTrackingId(ids.randomBytes(TRACKING_ID_RANDOM_BYTES));
  const orderLines = input.lines
    .filter((line) => line.orderLineId !== '')
    .map((line) => ({ orderId: input.orderId, orderLineId: line.orderLineId }));
  return {
    name: 'reserve',
    caller: call.caller,
    claim: input.validateOnly ? null : claimOf(METHOD, input, { newReservationId: reservationId }),
    needs: {
      ...NO_NEEDS,
      skus: [...new Set(input.lines.map((line) => line.sku))],
      exchanges: [{ exchangeId: input.exchangeId, newReservationId: reservationId }],
      orderLines,
      customers: input.customerRef === '' ? [] : [input.customerRef],
    },
    lineCount: input.lines.length,
    trace: call.trace,
    decide: (work) => decideReserve(work, input, call, { reservationId, trackingId }),
  };
}

/** Checks in documented precedence; after the last one success is certain. */
function decideReserve(
  work: WorkingSet,
  input: ReserveInput,
  call: Call,
  ids: { readonly reservationId: string; readonly trackingId: string },
): Decision {
  const refusal = checkRequest(work, input);
  if (refusal !== null) return { refusal };
  const window = chooseHoldWindow(work.rules, input.channel, input.holdWindowMs);
  if ('refusal' in window) return window;
  const sourced = source({
    demands: input.lines.map(toDemand),
    pools: work.pools,
    warehouses: servingWarehouses(work, input.channel),
    splitAllowed: work.rules.splitAllowed,
    partial: input.partial,
  });
  if ('refusal' in sourced) return sourced;
  const next: LiveReservation = {
    ...ids,
    version: 1,
    state: 'RESERVED',
    exchangeId: input.exchangeId,
    returnCaseId: input.returnCaseId,
    orderId: input.orderId,
    customerRef: input.customerRef,
    channel: input.channel,
    priority: input.priority,
    lines: input.lines.map((line, at) => toLine(line, at + 1, sourced.placements)),
    ruleVersion: work.rules.version,
    createdAt: work.now,
    expireAt: deadlineOf(work.rules, work.now, window.holdWindowMs),
    resolvedAt: null,
    releaseReason: null,
    traceId: call.trace?.traceId ?? '',
    warehouseConfirmedAt: null,
    overdueFlagged: false,
  };
  if (!input.validateOnly) record(work, input, next, sourced.placements, callerFor(call, input));
  return { answer: reservationAnswer(next) };
}

function callerFor(call: Call, input: ReserveInput): Call {
  const caller: Caller = { ...call.caller, channel: input.channel };
  return { ...call, caller };
}

function record(
  work: WorkingSet,
  input: ReserveInput,
  next: LiveReservation,
  placements: readonly Placement[],
  call: Call,
): void {
  for (const line of input.lines) {
    if (line.orderLineId !== '') work.setPurchased(input.orderId, line.orderLineId, line.purchasedQuantity);
  }
  const pools = placements.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, delta: { reserved: quantity } }));
  work.record({ kind: 'reserved', previous: null, next, cause: causeOf(call, input.facts.reason) }, pools);
}

function checkRequest(work: WorkingSet, input: ReserveInput): Refusal | null {
  return (
    checkNames(work, input) ??
    checkExchange(work, input) ??
    checkEligibility(work.ruleBook.inForce.checks, work.rules.version, input, work.now) ??
    checkSizeLimits(
      work.rules,
      input.lines.length,
      input.lines.reduce((sum, line) => sum + line.quantity, 0),
    ) ??
    checkCustomer(work, input) ??
    checkOrderLines(work, input)
  );
}

/** A request that names no customer is counted for none. */
function checkCustomer(work: WorkingSet, { customerRef }: ReserveInput): Refusal | null {
  const { maxLivePerCustomer, version } = work.rules;
  if (maxLivePerCustomer === 0 || customerRef === '') return null;
  const asked = work.liveOf(customerRef) + 1;
  return asked <= maxLivePerCustomer ? null : ruleLimit('max_live_per_customer', maxLivePerCustomer, asked, version);
}

function checkNames(work: WorkingSet, input: ReserveInput): Refusal | null {
  for (const { sku, warehouse } of input.lines) {
    const item = work.item(sku);
    if (item === null || item.retired) return refuse('UNKNOWN_SKU', `no item has the SKU ${sku}`, { sku });
    if (warehouse !== '' && work.warehouse(warehouse) === null) {
      return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { warehouse });
    }
  }
  return null;
}

function checkExchange(work: WorkingSet, input: ReserveInput): Refusal | null {
  const { state, latest } = work.exchange(input.exchangeId);
  if (latest?.state === 'FULFILLED') return alreadyResolved(latest);
  if (state.closedBy !== null) return notEligible('exchange-closed', 'the exchange is closed', work.rules.version);
  if (latest === null || !isLive(latest)) return null;
  return refuse('EXCHANGE_ALREADY_RESERVED', 'the exchange has a live reservation', { tracking_id: latest.trackingId });
}

/** Units asked for on one order line are summed over the request before they are held against what was bought. */
function checkOrderLines(work: WorkingSet, input: ReserveInput): Refusal | null {
  const asked = new Map<string, { units: number; purchased: number }>();
  for (const line of input.lines) {
    if (line.orderLineId === '') continue;
    const sum = asked.get(line.orderLineId) ?? { units: 0, purchased: 0 };
    asked.set(line.orderLineId, {
      units: sum.units + line.quantity,
      purchased: sum.purchased === 0 ? line.purchasedQuantity : sum.purchased,
    });
  }
  for (const [orderLineId, { units, purchased }] of asked) {
    const use = work.orderLine(input.orderId, orderLineId);
    const bound = use.purchased > 0 ? use : { ...use, purchased };
    const refusal = checkOrderLine(bound, units);
    if (refusal !== null) return refusal;
  }
  return null;
}

function servingWarehouses(work: WorkingSet, channel: string): Warehouse[] {
  return inPriorityOrder(work.warehouses(), forChannel(work.rules.channelWarehouses, channel));
}

function toDemand(line: ReserveLineInput, at: number): LineDemand {
  return { lineNumber: at + 1, sku: line.sku, quantity: line.quantity, warehouse: line.warehouse };
}

function toLine(line: ReserveLineInput, lineNumber: number, placements: readonly Placement[]): ReservationLine {
  const allocations: Allocation[] = placements
    .filter((placement) => placement.lineNumber === lineNumber)
    .map(({ warehouse, quantity }) => ({
      warehouse,
      reserved: quantity,
      picked: 0,
      short: 0,
      fulfilled: 0,
      released: 0,
    }));
  return {
    lineNumber,
    sku: line.sku,
    quantity: line.quantity,
    orderLineId: line.orderLineId,
    returnedSku: line.returnedSku,
    allocations,
  };
}
