import { isReplaced, type Reservation } from '../../../src/domain/reservation.ts';
import {
  availabilityFlag,
  availableUnits,
  type StockLevel,
  saleAvailableUnits,
} from '../../../src/domain/stock-level.ts';
import type { Outcome } from '../../../src/ports.ts';
import { availableIn, flagOf, safetyStockOf } from './rules.ts';
import {
  type Model,
  type ModelOutcome,
  type ModelReservation,
  type ModelWaiting,
  poolOf,
  reservedIn,
} from './state.ts';

type PartRow = readonly [string, number, number, number, number, number, number];

/** Line number, SKU, what was asked for instead, quantity, order line, what it waits for, what it holds where. */
type LineRow = readonly [number, string, string, number, string, readonly (string | number)[], readonly PartRow[]];

export interface CanonReservation {
  readonly exchangeId: string;
  readonly orderId: string;
  readonly state: string;
  readonly version: number;
  readonly expireAt: number;
  /** Null for an expired one: when it was swept is not promised. */
  readonly resolvedAt: number | null;
  readonly releaseReason: string | null;
  readonly overdueFlagged: boolean;
  readonly pickAwaits: string | null;
  readonly lines: readonly LineRow[];
}

/** A reservation of the model in the form that is compared. */
export function canonOfModel(reservation: ModelReservation): CanonReservation {
  return {
    exchangeId: reservation.exchangeId,
    orderId: reservation.orderId,
    state: reservation.state,
    version: reservation.version,
    expireAt: reservation.expireAt,
    resolvedAt: reservation.state === 'EXPIRED' ? null : reservation.resolvedAt,
    releaseReason: reservation.releaseReason,
    overdueFlagged: reservation.overdueFlagged,
    pickAwaits: reservation.pickAwaits,
    lines: reservation.lines.map(
      (line): LineRow => [
        line.lineNumber,
        line.sku,
        line.insteadOf,
        line.quantity,
        line.orderLineId,
        canonOfWaiting(line.waiting),
        line.parts.map((part) => [
          part.warehouse,
          part.reserved,
          part.picked,
          part.short,
          part.missing,
          part.fulfilled,
          part.released,
        ]),
      ],
    ),
  };
}

/** A reservation of the service in the form that is compared. */
export function canonOfReservation(reservation: Reservation): CanonReservation {
  return {
    exchangeId: reservation.exchangeId,
    orderId: reservation.orderId,
    state: reservation.state,
    version: reservation.version,
    expireAt: reservation.expireAt,
    resolvedAt: reservation.state === 'EXPIRED' ? null : reservation.resolvedAt,
    releaseReason: reservation.releaseReason,
    overdueFlagged: reservation.overdueFlagged,
    pickAwaits: reservation.pickAwaits ?? null,
    lines: reservation.lines
      .filter((line) => !isReplaced(line))
      .map(
        (line): LineRow => [
          line.lineNumber,
          line.sku,
          line.substitutedFor ?? '',
          line.quantity,
          line.orderLineId,
          canonOfWaiting(line.waiting),
          line.allocations
            .map(
              (one): PartRow => [
                one.warehouse,
                one.reserved,
                one.picked,
                one.short,
                one.missing ?? 0,
                one.fulfilled,
                one.released,
              ],
            )
            .sort((a, b) => (a[0] < b[0] ? -1 : 1)),
        ],
      ),
  };
}

export function canonOfWaiting(waiting: ModelWaiting | null | undefined): readonly (string | number)[] {
  if (waiting === null || waiting === undefined) return [];
  return [waiting.units, waiting.warehouse, waiting.since, waiting.holdWindowMs];
}

export function canonOfLevels(levels: readonly StockLevel[]): unknown {
  return levels
    .map((level) => [
      `${level.sku}@${level.warehouse}`,
      level.onHand,
      level.reserved,
      level.unavailable,
      level.committed,
      level.safetyStock,
      saleAvailableUnits(level),
      availabilityFlag(availableUnits(level), level.lowThreshold),
    ])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

/** The pool in the same form as {@link canonOfLevels} gives one level. */
export function canonOfPool(model: Model, key: string): readonly (string | number)[] {
  const [sku = '', warehouse = ''] = key.split('@');
  const pool = poolOf(model, sku, warehouse);
  return [
    key,
    pool.onHand,
    reservedIn(model, sku, warehouse),
    pool.unavailable,
    pool.committed,
    safetyStockOf(model, pool),
    availableIn(model, sku, warehouse, true),
    flagOf(model, sku, warehouse),
  ];
}

export function canonOfOutcome(outcome: Outcome): ModelOutcome {
  if (!outcome.ok) return { refused: outcome.refusal.reason };
  const { answer, replayed } = outcome;
  switch (answer.kind) {
    case 'reservation':
      return {
        reservation: answer.reservation === null ? null : canonOfReservation(answer.reservation),
        replayed,
      };
    case 'milestone': {
      const { reservation, applied } = answer;
      return { reservation: reservation === null ? null : canonOfReservation(reservation), applied, replayed };
    }
    case 'rules':
      return { rules: 'put', replayed };
    case 'stock':
      return { levels: canonOfLevels(answer.levels), replayed };
    default:
      throw new TypeError(`a simulated command does not answer ${answer.kind}`);
  }
}
