import fc from 'fast-check';
import type { ExchangeCase, ExchangeFacts } from '../../src/domain/eligibility.ts';
import type { Item } from '../../src/domain/item.ts';
import type { Allocation, LiveReservation, ReservationLine } from '../../src/domain/reservation.ts';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import type { Cause } from '../../src/domain/working-set.ts';

/** Runs of each property; a failure prints the seed that repeats it. */
const PROPERTY_RUNS = 1_000;

/** An instant all pure tests start from, in milliseconds since the Unix epoch. */
export const T0 = Date.UTC(2026, 0, 15, 12);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Parameters of every property; `EARMARK_TEST_SEED` repeats a run. */
export function runs(numRuns = PROPERTY_RUNS): { numRuns: number; seed?: number } {
  const seed = process.env.EARMARK_TEST_SEED;
  return { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

/** What a case that tells nothing is like. */
export const NO_FACTS = { deliveredAt: null, reason: '', itemCondition: '', customerTier: '', attributes: {} };

/** What eligibility rules are asked about. */
export function aCase(facts: Partial<ExchangeFacts> = {}, more: Partial<ExchangeCase> = {}): ExchangeCase {
  return {
    facts: { ...NO_FACTS, ...facts },
    channel: 'web',
    lines: [{ sku: 'A', quantity: 1 }],
    destination: { countryCode: '', postalCode: '' },
    ...more,
  };
}

export function aLevel(more: Partial<StockLevel> = {}): StockLevel {
  return {
    sku: 'A',
    warehouse: 'W1',
    onHand: 10,
    reserved: 0,
    saleReserved: 0,
    unavailable: 0,
    committed: 0,
    safetyStock: 0,
    exchangeMinimum: 0,
    lowThreshold: 0,
    ruleVersion: 1,
    version: 1,
    changedAt: T0,
    countedAt: 0,
    ...more,
  };
}

export function poolsOf(...levels: readonly StockLevel[]): Map<string, StockLevel> {
  return new Map(levels.map((level) => [poolKey(level.sku, level.warehouse), level]));
}

export function aWarehouse(code: string, more: Partial<Warehouse> = {}): Warehouse {
  return {
    code,
    name: code,
    timeZone: 'Europe/Berlin',
    priority: 1,
    countryCode: 'DE',
    postalCode: '10115',
    enabled: true,
    wms: 'wms-1',
    ...more,
  };
}

export function anItem(sku: string, more: Partial<Item> = {}): Item {
  return {
    itemId: `item-${sku}`,
    sku,
    name: sku,
    tracking: 'QUANTITY',
    product: '',
    attributes: {},
    equivalentSkus: [],
    retired: false,
    ...more,
  };
}

export function anAllocation(more: Partial<Allocation> = {}): Allocation {
  return { warehouse: 'W1', reserved: 1, picked: 0, short: 0, fulfilled: 0, released: 0, ...more };
}

export function aLine(more: Partial<ReservationLine> = {}): ReservationLine {
  return {
    lineNumber: 1,
    sku: 'A',
    quantity: 1,
    orderLineId: '',
    returnedSku: '',
    allocations: [anAllocation()],
    ...more,
  };
}

export function aReservation(more: Partial<LiveReservation> = {}): LiveReservation {
  return {
    reservationId: 'r-1',
    trackingId: 'EM-0000-0000-0000-0000-0',
    version: 1,
    state: 'RESERVED',
    exchangeId: 'x-1',
    returnCaseId: 'case-1',
    orderId: 'o-1',
    customerRef: '',
    channel: 'web',
    priority: 0,
    lines: [aLine()],
    ruleVersion: 1,
    createdAt: T0,
    expireAt: T0 + DAY_MS,
    resolvedAt: null,
    releaseReason: null,
    traceId: '',
    warehouseConfirmedAt: null,
    overdueFlagged: false,
    ...more,
  };
}

export const A_CAUSE: Cause = {
  caller: { principal: 'tester', actorType: 'SERVICE', channel: 'web' },
  reason: 'test',
  traceId: '',
  traceparent: '',
};

export const SKUS = ['A', 'B', 'C'] as const;
export const WAREHOUSES = ['W1', 'W2', 'W3'] as const;

/** Any counters, also those a count has made contradictory: reserved above on hand is a shortage, not an error. */
export const anyLevel: fc.Arbitrary<StockLevel> = fc
  .record({
    onHand: fc.nat({ max: 60 }),
    reserved: fc.nat({ max: 60 }),
    unavailable: fc.nat({ max: 20 }),
    committed: fc.nat({ max: 20 }),
    safetyStock: fc.nat({ max: 10 }),
    version: fc.nat({ max: 1_000 }),
  })
  .map((counts) => aLevel(counts));

/** One pool for each SKU in each warehouse. */
export const anyPools: fc.Arbitrary<StockLevel[]> = fc.array(anyLevel, { minLength: 9, maxLength: 9 }).map((levels) =>
  levels.map((level, at) => ({
    ...level,
    sku: SKUS[at % 3] ?? 'A',
    warehouse: WAREHOUSES[Math.floor(at / 3)] ?? '',
  })),
);

/** The same, partly held by sales, and with any part of an exchange minimum. */
export const anyRuledPools: fc.Arbitrary<StockLevel[]> = fc
  .tuple(anyPools, fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 20 })), { minLength: 9, maxLength: 9 }))
  .map(([levels, ruled]) =>
    levels.map((level, at) => {
      const [sold, exchangeMinimum] = ruled[at] ?? [0, 0];
      return { ...level, saleReserved: Math.min(sold, level.reserved), exchangeMinimum };
    }),
  );

/** A fresh reservation of one to three lines, each held at one to three warehouses. */
export const freshReservation: fc.Arbitrary<LiveReservation> = fc
  .array(
    fc.record({
      sku: fc.constantFrom(...SKUS),
      parts: fc.uniqueArray(
        fc.record({ warehouse: fc.constantFrom(...WAREHOUSES), reserved: fc.integer({ min: 1, max: 5 }) }),
        {
          selector: (part) => part.warehouse,
          minLength: 1,
          maxLength: 3,
        },
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((lines) =>
    aReservation({
      lines: lines.map(({ sku, parts }, at) =>
        aLine({
          lineNumber: at + 1,
          sku,
          quantity: parts.reduce((sum, part) => sum + part.reserved, 0),
          orderLineId: `ol-${at + 1}`,
          allocations: parts.map((part) => anAllocation(part)),
        }),
      ),
    }),
  );
