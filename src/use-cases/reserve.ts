import { type AskedRequest, keptSubstitutes } from '../domain/asked-request.ts';
import type { Caller } from '../domain/caller.ts';
import { checkEligibility, notEligible } from '../domain/eligibility.ts';
import { heldSkusOf, ladderTerms, nameAlternatives, offerSubstitutes } from '../domain/equivalents.ts';
import { chooseHoldWindow, deadlineOf } from '../domain/hold-window.ts';
import { suggestRefund } from '../domain/ladder.ts';
import { isByRules } from '../domain/past-case.ts';
import { awaitedNow } from '../domain/pick-awaits.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import {
  checkExchangePools,
  checkNames,
  checkOrderLines,
  keepPurchased,
  type RequestedLine,
  requestedUnits,
  sourcingTerms,
  toDemands,
  toLines,
  unitsFor,
} from '../domain/requested-line.ts';
import { isLive, isWaiting, type LiveReservation } from '../domain/reservation.ts';
import { checkSizeLimits, ruleLimit } from '../domain/rules.ts';
import { type SeenPool, seenPools } from '../domain/seen-pools.ts';
import { type Placement, type SourcingRequest, source, toPoolChange } from '../domain/sourcing.ts';
import { swap } from '../domain/swap.ts';
import { makeTrackingId, TRACKING_ID_RANDOM_BYTES } from '../domain/tracking-id.ts';
import { alreadyResolved } from '../domain/transition.ts';
import { type Queueing, queueRest } from '../domain/waitlist.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import {
  type AskedReserve,
  type Command,
  type Decision,
  type Ids,
  NO_NEEDS,
  type Outcome,
  type UnitOfWork,
} from '../ports.ts';
import { type Call, callerOptions, causeOf, claimOf, type RequestKey, reservationAnswer } from './call.ts';
import { type EquivalentInput, lineNeeds } from './find-equivalents.ts';
import { recordSwap } from './swap.ts';

/** Reserve, each request inside BatchReserve, and ReserveStream share one scope of request ids. */
const METHOD = 'Reserve';

/** Commands of a batch that may be decided in one unit of work. */
export const RESERVE_GROUP_MAX = 250;

/** Request lines of a batch that may be decided in one unit of work. */
export const RESERVE_GROUP_LINES_MAX = 1_000;

export interface ReserveInput extends RequestKey, AskedRequest, Pick<EquivalentInput, 'equivalents'> {
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  readonly lines: readonly RequestedLine[];
  readonly priority: number;
  readonly validateOnly: boolean;
  /** Swaps the lines of the exchange's live reservation, where it has one, instead of refusing. */
  readonly replaceExisting?: boolean;
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
    const { lineCount } = lineNeeds(input);
    lines += lineCount;
    if (current === undefined || current.length >= RESERVE_GROUP_MAX || lines > RESERVE_GROUP_LINES_MAX) {
      result.push([input]);
      lines = lineCount;
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
  const { needs, lineCount } = lineNeeds(input);
  return {
    name: 'reserve',
    caller: call.caller,
    claim: input.validateOnly ? null : claimOf(METHOD, input, { newReservationId: reservationId }),
    needs: {
      ...NO_NEEDS,
      ...needs,
      exchanges: [{ exchangeId: input.exchangeId, newReservationId: reservationId }],
      orderLines,
      customers: input.customerRef === '' ? [] : [input.customerRef],
      // A replacement that begins to wait is served by the rules its reservation was made by.
      ownRules: input.waitlist === true && input.replaceExisting === true,
    },
    lineCount,
    trace: call.trace,
    ...(input.validateOnly ? {} : { asked: askedOf(input) }),
    decide: (work) => keepSeen(work, input, decideReserve(work, input, call, { reservationId, trackingId })),
  };
}

function askedOf(input: ReserveInput): AskedReserve {
  const { exchangeId, returnCaseId, orderId } = input;
  return { exchangeId, returnCaseId, orderId, request: input };
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
  const { latest } = work.exchange(input.exchangeId);
  if (latest !== null && isLive(latest)) return decideReplacement(work, input, latest, call);
  const excess = checkLimits(work, input);
  if (excess !== null) return { refusal: excess };
  const window = chooseHoldWindow(work.rules, input.channel, input.holdWindowMs);
  if ('refusal' in window) return window;
  const wanted = offerSubstitutes(work, input.lines, input);
  const asked = sourcingOf(work, input, wanted);
  const sourced = source(asked);
  if ('refusal' in sourced) {
    const refused = nameAlternatives(work, sourced.refusal, input.lines, input);
    return { refusal: suggestRefund(refused, work.rules.ladder, input.channel) };
  }
  const held = toLines(wanted, 1, sourced.placements);
  const lines = asked.waits === true ? queueRest(held, wanted, queueingOf(work, window)) : held;
  const isWaitlisted = isWaiting(lines);
  const next: LiveReservation = {
    ...ids,
    version: 1,
    state: isWaitlisted ? 'WAITLISTED' : 'RESERVED',
    exchangeId: input.exchangeId,
    returnCaseId: input.returnCaseId,
    orderId: input.orderId,
    customerRef: input.customerRef,
    channel: input.channel,
    priority: input.priority,
    lines,
    ruleVersion: work.rules.version,
    createdAt: work.now,
    expireAt: deadlineOf(work.rules, work.now, isWaitlisted ? work.rules.waitlistWindowMs : window.holdWindowMs),
    resolvedAt: null,
    releaseReason: null,
    traceId: call.trace?.traceId ?? '',
    warehouseConfirmedAt: null,
    overdueFlagged: false,
    ...awaitedNow(work, input.exchangeId),
  };
  if (!input.validateOnly) {
    const made = { next, placements: sourced.placements, seen: seenPools(asked), asked: { ...input, lines: wanted } };
    record(work, input, made, callerFor(call, input));
  }
  return { answer: reservationAnswer(next) };
}

function queueingOf({ rules, now }: WorkingSet, { holdWindowMs }: { readonly holdWindowMs: number }): Queueing {
  return { splitAllowed: rules.splitAllowed, holdWindowMs, since: () => now };
}

/** @param wanted the lines, with the items that may be held instead */
function sourcingOf(work: WorkingSet, input: ReserveInput, wanted: readonly RequestedLine[]): SourcingRequest {
  return {
    ...sourcingTerms(work, input.channel, input.destination),
    demands: toDemands(wanted, 1),
    ...ladderTerms(work, input, input.channel, wanted, null),
    ...unitsFor(work, heldSkusOf(wanted)),
  };
}

/** What other rules might have accepted is remembered with the pools they would have seen. A refused swap made no case. */
function keepSeen(work: WorkingSet, input: ReserveInput, decision: Decision): Decision {
  if (!('refusal' in decision) || input.validateOnly || !isByRules(decision.refusal)) return decision;
  const { latest } = work.exchange(input.exchangeId);
  if (latest !== null && isLive(latest)) return decision;
  const wanted = offerSubstitutes(work, input.lines, input);
  return { ...decision, seen: seenPools(sourcingOf(work, input, wanted)), ...keptSubstitutes(wanted) };
}

function callerFor(call: Call, input: ReserveInput): Call {
  const caller: Caller = { ...call.caller, channel: input.channel };
  return { ...call, caller };
}

function record(
  work: WorkingSet,
  input: ReserveInput,
  made: {
    readonly next: LiveReservation;
    readonly placements: readonly Placement[];
    readonly seen: readonly SeenPool[];
    readonly asked: AskedRequest;
  },
  call: Call,
): void {
  const { next, placements, seen, asked } = made;
  keepPurchased(work, input.orderId, input.lines);
  const pools = placements.map(toPoolChange);
  const kind = next.state === 'WAITLISTED' ? 'waitlisted' : 'reserved';
  work.record({ kind, previous: null, next, cause: causeOf(call, input.facts.reason), seen, asked }, pools);
}

/** What is asked of a swap as well, which has its own limits. */
function checkRequest(work: WorkingSet, input: ReserveInput): Refusal | null {
  return (
    checkNames(work, input.lines) ??
    checkExchange(work, input) ??
    checkEligibility(work.ruleBook.inForce.checks, work.rules.version, input, work.now)
  );
}

function checkLimits(work: WorkingSet, input: ReserveInput): Refusal | null {
  return (
    checkSizeLimits(work.rules, input.lines.length, requestedUnits(input.lines)) ??
    checkCustomer(work, input) ??
    checkOrderLines(work, input.orderId, input.lines, null) ??
    checkExchangePools(work, input.channel, input.lines, null)
  );
}

/** A request that names no customer is counted for none. */
function checkCustomer(work: WorkingSet, { customerRef }: ReserveInput): Refusal | null {
  const { maxLivePerCustomer, version } = work.rules;
  if (maxLivePerCustomer === 0 || customerRef === '') return null;
  const asked = work.liveOf(customerRef) + 1;
  return asked <= maxLivePerCustomer ? null : ruleLimit('max_live_per_customer', maxLivePerCustomer, asked, version);
}

/**
 * A swap in the same commit: the exchange keeps its reservation, with the deadline, order, channel and customer it was
 * made with, and the customer holds no more than before.
 */
function decideReplacement(work: WorkingSet, input: ReserveInput, live: LiveReservation, call: Call): Decision {
  const isOfOrder = input.orderId === live.orderId || input.lines.every((line) => line.orderLineId === '');
  if (!isOfOrder) {
    const metadata = { field: 'order_id', order_id: live.orderId };
    return { refusal: refuse('INVALID_FIELD', 'the exchange belongs to another order', metadata) };
  }
  const swapped = swap(live, input, work);
  if (input.validateOnly && swapped.outcome === 'changed') return { answer: reservationAnswer(swapped.next) };
  return recordSwap(work, live, input.lines, swapped, callerFor(call, input), input.facts.reason);
}

function checkExchange(work: WorkingSet, input: ReserveInput): Refusal | null {
  const { state, latest } = work.exchange(input.exchangeId);
  if (latest?.state === 'FULFILLED') return alreadyResolved(latest);
  if (state.closedBy !== null) return notEligible('exchange-closed', 'the exchange is closed', work.rules.version);
  if (latest === null || !isLive(latest) || input.replaceExisting === true) return null;
  return refuse('EXCHANGE_ALREADY_RESERVED', 'the exchange has a live reservation', { tracking_id: latest.trackingId });
}
