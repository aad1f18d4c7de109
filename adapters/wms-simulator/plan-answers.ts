import { createHash } from 'node:crypto';
import type { Misbehaviour, SimulatorSettings } from './settings.ts';

export interface PlannedLine {
  readonly lineNumber: number;
  readonly sku: string;
  readonly quantity: number;
}

export type AnswerEvent =
  | 'pick-started'
  | 'pick-confirmed'
  | 'pick-shorted'
  | 'shipment-confirmed'
  | 'inventory-counted';

/** One message the warehouse will send about a pick. */
export interface PlannedAnswer {
  readonly event: AnswerEvent;
  /** Milliseconds after the answer before it. */
  readonly delayMs: number;
  /** No lines means all that was asked for. */
  readonly lines: readonly PlannedLine[];
  readonly messageId: string;
}

type Behaviour = Pick<
  SimulatorSettings,
  'startDelayMs' | 'pickDelayMs' | 'shipDelayMs' | 'misbehaviours' | 'rate' | 'seed'
>;

/** What the warehouse will answer to a pick. The same pick and settings give the same plan, whatever came before. */
export function planAnswers(
  behaviour: Behaviour,
  pick: { readonly pickId: string; readonly lines: readonly PlannedLine[] },
): PlannedAnswer[] {
  const does = (what: Misbehaviour, about = '') =>
    behaviour.misbehaviours.includes(what) &&
    fraction(`${behaviour.seed}:${pick.pickId}:${what}:${about}`) < behaviour.rate;
  if (does('silent')) return [];
  const idOf = (event: AnswerEvent, copy = 0) => `sim-${digest(`${pick.pickId}:${event}:${copy}`).slice(0, 40)}`;
  const answer = (event: AnswerEvent, delayMs: number, lines: readonly PlannedLine[] = []): PlannedAnswer => ({
    event,
    delayMs,
    lines,
    messageId: idOf(event),
  });
  const { missing, found } = does('short') ? splitOneUnit(pick.lines) : { missing: [], found: [] };
  const confirmed = answer('pick-confirmed', behaviour.pickDelayMs, found);
  const shipped = answer('shipment-confirmed', behaviour.shipDelayMs, found);
  const nothingFound = missing.length > 0 && found.length === 0;
  const rest = nothingFound ? [] : does('disorder') ? [shipped, confirmed] : [confirmed, shipped];
  const planned = [
    answer('pick-started', behaviour.startDelayMs),
    ...(missing.length > 0 ? [answer('pick-shorted', 0, missing)] : []),
    ...rest,
    ...(does('wrong-count') ? [answer('inventory-counted', 0, pick.lines.slice(0, 1))] : []),
  ];
  const kept = planned.filter(({ event }) => !does('lose', event));
  if (!does('duplicate')) return kept;
  return kept.flatMap((one) => [one, { ...one, delayMs: 0 }, { ...one, delayMs: 0, messageId: idOf(one.event, 1) }]);
}

function splitOneUnit(lines: readonly PlannedLine[]) {
  const [first, ...others] = lines;
  if (first === undefined) return { missing: [], found: [] };
  const rest = first.quantity > 1 ? [{ ...first, quantity: first.quantity - 1 }] : [];
  return { missing: [{ ...first, quantity: 1 }], found: [...rest, ...others] };
}

/** A number from 0 to below 1 that depends on the text alone. */
function fraction(text: string): number {
  return Number.parseInt(digest(text).slice(0, 12), 16) / 0x1_0000_0000_0000;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
