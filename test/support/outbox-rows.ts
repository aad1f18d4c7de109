import type { Reservation } from '../../src/domain/reservation.ts';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import type { StockLevel } from '../../src/domain/stock-level.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';
import type { OutboxRow, StockReader, StockView, Verdict } from '../../src/ports.ts';

const COMMITTED_AT = Date.UTC(2026, 0, 2, 3, 4, 5);

export function warehouseOf(code: string, wms: string): Warehouse {
  return { code, name: code, timeZone: 'UTC', priority: 1, countryCode: 'DE', postalCode: '', enabled: true, wms };
}

/** A reservation of `quantity` units of one SKU at one site. */
export function reservationOf(
  trackingId: string,
  more: { readonly site?: string; readonly sku?: string; readonly quantity?: number } & Partial<Reservation> = {},
): Reservation {
  const { site = 'BER', sku = 'SHOE-1', quantity = 2, ...rest } = more;
  const part = { warehouse: site, reserved: quantity, picked: 0, short: 0, fulfilled: 0, released: 0 };
  return {
    reservationId: `00000000-0000-7000-8000-${trackingId.replace(/\W/g, '').padStart(12, '0').slice(-12)}`,
    trackingId,
    version: 1,
    exchangeId: `exchange-${trackingId}`,
    returnCaseId: 'case-1',
    orderId: 'order-1',
    customerRef: 'customer-1',
    channel: 'web',
    priority: 0,
    lines: [{ lineNumber: 1, sku, quantity, orderLineId: '', returnedSku: '', allocations: [part] }],
    ruleVersion: 1,
    createdAt: COMMITTED_AT,
    expireAt: COMMITTED_AT + 1_209_600_000,
    traceId: '',
    warehouseConfirmedAt: null,
    overdueFlagged: false,
    state: 'RESERVED',
    resolvedAt: null,
    releaseReason: null,
    ...rest,
  } as Reservation;
}

/** The same reservation with every held unit given back. */
export function releasedOf(reservation: Reservation): Reservation {
  const lines = reservation.lines.map((line) => ({
    ...line,
    allocations: line.allocations.map((part) => ({ ...part, reserved: 0, released: part.released + part.reserved })),
  }));
  const version = reservation.version + 1;
  return { ...reservation, lines, version, state: 'RELEASED', resolvedAt: COMMITTED_AT, releaseReason: 'CANCELLED' };
}

export function levelOf(sku: string, version: number, more: Partial<StockLevel> = {}): StockLevel {
  return {
    sku,
    warehouse: 'BER',
    onHand: 10,
    reserved: version,
    saleReserved: 0,
    unavailable: 0,
    committed: 0,
    safetyStock: 0,
    exchangeMinimum: 0,
    lowThreshold: 0,
    ruleVersion: 1,
    version,
    changedAt: COMMITTED_AT,
    countedAt: 0,
    ...more,
  };
}

export function viewOf(sku: string, version: number, more: Partial<StockLevel> = {}): StockView {
  return { level: levelOf(sku, version, more), due: 0, saleDue: 0 };
}

let lastOutboxId = 0n;

function facts(version: number, traceparent = '') {
  lastOutboxId += 1n;
  return { outboxId: lastOutboxId, version, createdAt: COMMITTED_AT, traceparent };
}

export function reservationRow(
  reservation: Reservation,
  kind: TransitionKind,
  previous: Reservation | null = null,
  traceparent = '',
): OutboxRow {
  return { ...facts(reservation.version, traceparent), topic: 'reservation', reservation, previous, kind };
}

export function poolRow(sku: string, version: number, more: Partial<StockLevel> = {}): OutboxRow {
  return { ...facts(version), topic: 'pool', view: viewOf(sku, version, more) };
}

export function verdictRow(wms: string, event: string, messageId: string, verdict: Verdict): OutboxRow {
  return { ...facts(1), topic: 'verdict', notice: { wms, event, messageId }, verdict };
}

/** The part of a stock reader that publishing uses, over plain values that a test may change. */
export function stockOf(
  warehouses: readonly Warehouse[],
  pools: Map<string, StockView> = new Map(),
): Pick<StockReader, 'warehouses' | 'readPools' | 'scan'> {
  return {
    warehouses: async () => [...warehouses],
    readPools: async (refs) => refs.flatMap(({ sku }) => pools.get(sku) ?? []),
    scan: async function* () {
      yield [...pools.values()];
    },
  };
}
