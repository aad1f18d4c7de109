import type { RequestedLine } from '../../src/domain/requested-line.ts';
import { FIRST_RULES, rulesEtag } from '../../src/domain/rules.ts';
import type { Target } from '../../src/domain/working-set.ts';
import type { Engine } from '../../src/persistence/engine.ts';
import type { Ids, Outcome } from '../../src/ports.ts';
import type { Call } from '../../src/use-cases/call.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { findEquivalents } from '../../src/use-cases/find-equivalents.ts';
import { putRules } from '../../src/use-cases/put-rules.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { extendReservation, fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock, receiveStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { applyWarehouseMessage, type WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { warnExpiring } from '../../src/use-cases/warn-expiring.ts';
import { NO_FACTS } from '../support/arbitraries.ts';
import {
  type CountedCommand,
  contentHashOf,
  isByClock,
  type PickCommand,
  type ReserveCommand,
  type SimCommand,
  type SimLine,
  type SimTarget,
  type SweepCommand,
} from './commands.ts';
import { canonOfOutcome } from './model/canon.ts';
import type { ModelOutcome } from './model/state.ts';
import { type RealIds, refKey } from './world.ts';

/** Every fourth request is by a person, under the same principal. */
function callOf({ requestId }: { readonly requestId: string }): Call {
  const actorType = Number(requestId.slice(1)) % 4 === 0 ? 'PERSON' : 'SERVICE';
  return { caller: { principal: 'simulation', actorType, channel: '' }, trace: null };
}

const DEADLINE_MS = 20_000;
const NO_SUCH_ID = '00000000-0000-7000-8000-000000000000';

export interface RealWorld {
  /** The version of the rules that the history began with. */
  readonly firstRules: number;
  readonly known: ReadonlyMap<string, RealIds>;
  readonly ids: Ids;
}

/** Sends one command through the service's own use case. */
export async function execute(engine: Engine, world: RealWorld, command: SimCommand): Promise<ModelOutcome> {
  if (command.kind === 'pick' || command.kind === 'counted') return await deliver(engine, world, command);
  if (isByClock(command)) {
    const real = command.refs.flatMap((ref) => world.known.get(refKey(ref))?.reservationId ?? []);
    const done = command.kind === 'warn' ? warnExpiring : expireDue;
    await done(engine, real, AbortSignal.timeout(DEADLINE_MS));
    return { swept: true };
  }
  return canonOfOutcome(await callService(engine, world, command));
}

/** Sends reservations as one BatchReserve. */
export async function executeTogether(
  engine: Engine,
  world: RealWorld,
  commands: readonly ReserveCommand[],
): Promise<ModelOutcome[]> {
  const inputs = await findEquivalents(engine, commands.map(reserveInput));
  const outcomes = await reserve({ ...engine, ids: world.ids }, inputs, callOf(commands[0] ?? { requestId: '' }));
  return outcomes.map(canonOfOutcome);
}

export type CallCommand = Exclude<SimCommand, { kind: 'pick' | 'counted' | SweepCommand['kind'] }>;

/** Sends one call and answers what the service answered. */
export async function callService(engine: Engine, world: RealWorld, command: CallCommand): Promise<Outcome> {
  const key = { requestId: command.requestId, contentHash: contentHashOf(command) };
  const call = callOf(command);
  switch (command.kind) {
    case 'reserve': {
      const inputs = await findEquivalents(engine, [reserveInput(command)]);
      const [outcome] = await reserve({ ...engine, ids: world.ids }, inputs, call);
      if (outcome === undefined) throw new Error('a reserve was not answered');
      return outcome;
    }
    case 'release': {
      const { etag, reason } = command;
      return await releaseReservation(
        engine,
        { ...key, target: toTarget(world, command.target), etag, reason, note: '' },
        call,
      );
    }
    case 'fulfil': {
      const { lines, close } = command;
      return await fulfilReservation(engine, { ...key, target: toTarget(world, command.target), lines, close }, call);
    }
    case 'extend': {
      const { etag, expireAt } = command;
      return await extendReservation(engine, { ...key, target: toTarget(world, command.target), etag, expireAt }, call);
    }
    case 'swap': {
      const { etag, partial, waitlist = false, acceptSubstitutes = false } = command;
      const target = toTarget(world, command.target);
      const lines = command.lines.map(toLine);
      const input = { ...key, target, etag, lines, partial, waitlist, acceptSubstitutes };
      const [found = input] = await findEquivalents(engine, [input]);
      return await swapReservation(engine, found, call);
    }
    case 'transfer': {
      const { etag, toWarehouse, lines } = command;
      const target = toTarget(world, command.target);
      return await transferReservation(engine, { ...key, target, etag, toWarehouse, lines }, call);
    }
    case 'milestone': {
      const { milestone } = command;
      const target = toTarget(world, command.target);
      return await reportMilestone(engine, { ...key, target, milestone, occurredAt: null, note: '' }, call);
    }
    case 'rules': {
      const { from, effectiveAt, rules } = command;
      const draft = { ...FIRST_RULES, ...rules, effectiveAt };
      const etag = rulesEtag(world.firstRules + from);
      return await putRules(engine, { ...key, etag, draft }, call);
    }
    case 'receive':
      return await receiveStock(engine, { ...key, reason: 'simulated', receipts: command.changes }, call);
    case 'adjust':
      return await adjustStock(engine, { ...key, reason: 'simulated', adjustments: command.changes }, call);
    case 'count':
      return await countStock(engine, { ...key, reason: 'simulated', counts: command.counts }, call);
  }
}

function reserveInput(command: ReserveCommand): ReserveInput {
  return {
    requestId: command.requestId,
    contentHash: contentHashOf(command),
    exchangeId: command.exchangeId,
    returnCaseId: `case-${command.exchangeId}`,
    orderId: command.orderId,
    customerRef: '',
    channel: command.channel || (command.exchangeId < 'x4' ? 'web' : ''),
    lines: command.lines.map(toLine),
    facts: { ...NO_FACTS, deliveredAt: command.deliveredAt, reason: command.reason },
    destination: { countryCode: '', postalCode: '' },
    partial: command.partial,
    holdWindowMs: command.holdWindowMs,
    priority: command.priority ?? 0,
    waitlist: command.waitlist ?? false,
    acceptSubstitutes: command.acceptSubstitutes ?? false,
    validateOnly: command.validateOnly,
    replaceExisting: command.replaceExisting ?? false,
  };
}

function toLine({ purchased, ...line }: SimLine): RequestedLine {
  return { ...line, returnedSku: '', purchasedQuantity: purchased };
}

function toTarget(world: RealWorld, target: SimTarget): Target {
  if (target.by === 'exchange') return { by: 'exchange', id: target.exchangeId };
  const real = world.known.get(refKey(target));
  const id = target.by === 'reservation' ? real?.reservationId : real?.trackingId;
  return { by: target.by, id: id ?? NO_SUCH_ID };
}

async function deliver(engine: Engine, world: RealWorld, command: PickCommand | CountedCommand): Promise<ModelOutcome> {
  const facts = {
    wms: command.wms,
    messageId: command.requestId,
    contentHash: contentHashOf(command),
    warehouse: command.warehouse,
    occurredAt: command.occurredAt,
    trace: null,
  };
  const message: WarehouseMessage =
    command.kind === 'counted'
      ? { ...facts, event: 'inventory-counted', counts: command.counts }
      : {
          ...facts,
          event: command.event,
          trackingId: world.known.get(refKey(command.ref))?.trackingId ?? NO_SUCH_ID,
          lines: command.lines,
          code: '',
        };
  const answer = await applyWarehouseMessage(engine, message, AbortSignal.timeout(DEADLINE_MS));
  if ('refusal' in answer) return { refused: answer.refusal.reason };
  const { kind, reason } = answer.verdict;
  return { verdict: kind === 'REJECTED' ? `REJECTED ${reason}` : kind };
}
