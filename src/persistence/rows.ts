import type { HeldUnit } from '../domain/held-units.ts';
import type { Item, Tracking } from '../domain/item.ts';
import type { Milestone } from '../domain/milestone-rules.ts';
import type {
  Allocation,
  ReleaseReason,
  Reservation,
  ReservationLine,
  ReservationState,
} from '../domain/reservation.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import type { StockLevel } from '../domain/stock-level.ts';
import { millis } from './statements.ts';

export const POOL_COLUMNS = `p.sku, p.warehouse, p.on_hand, p.reserved, p.unavailable, p.committed, p.safety_stock,
  p.sale_reserved, p.exchange_minimum, p.low_threshold, p.rule_version::float8 as rule_version, p.version::float8 as version, ${millis('p.change_time')} as changed_at,
  coalesce(${millis('p.count_time')}, 0)::float8 as counted_at`;

export interface PoolRow {
  readonly sku: string;
  readonly warehouse: string;
  readonly on_hand: number;
  readonly reserved: number;
  readonly unavailable: number;
  readonly committed: number;
  readonly safety_stock: number;
  readonly sale_reserved: number;
  readonly exchange_minimum: number;
  readonly low_threshold: number;
  readonly rule_version: number;
  readonly version: number;
  readonly changed_at: number;
  readonly counted_at: number;
}

export function toStockLevel(row: PoolRow): StockLevel {
  return {
    sku: row.sku,
    warehouse: row.warehouse,
    onHand: row.on_hand,
    reserved: row.reserved,
    saleReserved: row.sale_reserved,
    unavailable: row.unavailable,
    committed: row.committed,
    safetyStock: row.safety_stock,
    exchangeMinimum: row.exchange_minimum,
    lowThreshold: row.low_threshold,
    ruleVersion: row.rule_version,
    version: row.version,
    changedAt: row.changed_at,
    countedAt: row.counted_at,
  };
}

export const RESERVATION_COLUMNS = `r.reservation_id, r.tracking_id, r.version, r.state, r.exchange_id, r.return_case_id,
  r.order_id, r.customer_ref, r.channel, r.priority, r.lines::text as lines, r.rule_version::float8 as rule_version,
  ${millis('r.create_time')} as created_at, ${millis('r.expire_time')} as expire_at,
  ${millis('r.resolve_time')} as resolved_at, r.release_reason, r.trace_id,
  ${millis('r.confirm_time')} as confirmed_at, r.overdue_flagged, ${millis('r.warned_time')} as warned_for,
  r.pick_awaits`;

export interface ReservationRow {
  readonly reservation_id: string;
  readonly tracking_id: string;
  readonly version: number;
  readonly state: ReservationState;
  readonly exchange_id: string;
  readonly return_case_id: string;
  readonly order_id: string;
  readonly customer_ref: string;
  readonly channel: string;
  readonly priority: number;
  readonly lines: string;
  readonly rule_version: number;
  readonly created_at: number;
  readonly expire_at: number;
  readonly resolved_at: number | null;
  readonly release_reason: ReleaseReason | null;
  readonly trace_id: string;
  readonly confirmed_at: number | null;
  readonly overdue_flagged: boolean;
  readonly warned_for: number | null;
  readonly pick_awaits: Milestone | null;
}

export const ALLOCATION_COLUMNS =
  'a.reservation_id, a.line_number, a.warehouse, a.reserved, a.picked, a.short, a.missing, a.fulfilled, a.released';

export interface AllocationRow {
  readonly reservation_id: string;
  readonly line_number: number;
  readonly warehouse: string;
  readonly reserved: number;
  readonly picked: number;
  readonly short: number;
  readonly missing: number;
  readonly fulfilled: number;
  readonly released: number;
  /** Where the item has serial units. */
  readonly units?: readonly HeldUnit[];
  readonly shipped?: readonly string[];
}

type LineFacts = Omit<ReservationLine, 'allocations'>;

/** The part of the lines that only a swap or transfer changes, as it is stored beside the reservation. */
export function lineFactsJson(lines: readonly ReservationLine[]): string {
  const facts: LineFacts[] = lines.map(({ allocations: _, ...line }) => line);
  return JSON.stringify(facts);
}

export function lineFacts(json: string): LineFacts[] {
  return JSON.parse(json) as LineFacts[];
}

/** Joins reservations with their allocations, in the order of the reservations. */
export function toReservations(rows: readonly ReservationRow[], allocations: readonly AllocationRow[]): Reservation[] {
  const byLine = new Map<string, Allocation[]>();
  for (const { reservation_id, line_number, missing, ...counts } of allocations) {
    const key = `${reservation_id}/${line_number}`;
    const part = missing === 0 ? counts : { ...counts, missing };
    const list = byLine.get(key);
    if (list === undefined) byLine.set(key, [part]);
    else list.push(part);
  }
  return rows.map((row) => toReservation(row, byLine));
}

function toReservation(row: ReservationRow, byLine: ReadonlyMap<string, Allocation[]>): Reservation {
  const facts = {
    reservationId: row.reservation_id,
    trackingId: row.tracking_id,
    version: row.version,
    state: row.state,
    exchangeId: row.exchange_id,
    returnCaseId: row.return_case_id,
    orderId: row.order_id,
    customerRef: row.customer_ref,
    channel: row.channel,
    priority: row.priority,
    lines: lineFacts(row.lines).map((line) => ({
      ...line,
      allocations: byLine.get(`${row.reservation_id}/${line.lineNumber}`) ?? [],
    })),
    ruleVersion: row.rule_version,
    createdAt: row.created_at,
    expireAt: row.expire_at,
    resolvedAt: row.resolved_at,
    releaseReason: row.release_reason,
    traceId: row.trace_id,
    warehouseConfirmedAt: row.confirmed_at,
    overdueFlagged: row.overdue_flagged,
    ...(row.warned_for === null ? {} : { warnedFor: row.warned_for }),
    ...(row.pick_awaits === null ? {} : { pickAwaits: row.pick_awaits }),
  };
  // The table's check `reservation_resolved` guarantees what the union says.
  return facts as Reservation;
}

export const ITEM_COLUMNS =
  'i.item_id, i.sku, i.name, i.tracking, i.product, i.attributes, i.equivalent_skus, i.retired';

export interface ItemRow {
  readonly item_id: string;
  readonly sku: string;
  readonly name: string;
  readonly tracking: Tracking;
  readonly product: string;
  readonly attributes: Record<string, string> | string;
  readonly equivalent_skus: string[];
  readonly retired: boolean;
}

export function toItem(row: ItemRow): Item {
  const attributes = typeof row.attributes === 'string' ? JSON.parse(row.attributes) : row.attributes;
  return {
    itemId: row.item_id,
    sku: row.sku,
    name: row.name,
    tracking: row.tracking,
    product: row.product,
    attributes: attributes as Record<string, string>,
    equivalentSkus: row.equivalent_skus,
    retired: row.retired,
  };
}

export interface WarehouseRow {
  readonly code: string;
  readonly name: string;
  readonly time_zone: string;
  readonly priority: number;
  readonly country_code: string;
  readonly postal_code: string;
  readonly enabled: boolean;
  readonly wms: string;
}

export function toWarehouse(row: WarehouseRow): Warehouse {
  return {
    code: row.code,
    name: row.name,
    timeZone: row.time_zone,
    priority: row.priority,
    countryCode: row.country_code,
    postalCode: row.postal_code,
    enabled: row.enabled,
    wms: row.wms,
  };
}
