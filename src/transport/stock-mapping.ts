import { create } from '@bufbuild/protobuf';
import type { StockCount as DomainCount } from '../domain/counting.ts';
import type * as item from '../domain/item.ts';
import { type Refusal, unsupported } from '../domain/refusal.ts';
import type * as sourcing from '../domain/sourcing.ts';
import { availabilityFlag, availableUnits, saleAvailableUnits, shortageUnits } from '../domain/stock-level.ts';
import { type Availability, AvailabilityFlag, AvailabilitySchema } from '../gen/earmark/v1/availability_pb.ts';
import {
  type Item,
  ItemSchema,
  type StockAdjustment,
  type StockCount,
  type StockReceipt,
  Tracking,
  type Warehouse,
  WarehouseSchema,
} from '../gen/earmark/v1/stock_pb.ts';
import type { StockView } from '../ports.ts';
import type { StockChange } from '../use-cases/stock.ts';
import { fromTimestamp, toTimestamp } from './wire-time.ts';

/** The numbers of a pool as every surface shows them. */
export function toAvailability({ level, due, saleDue }: StockView): Availability {
  const available = availableUnits(level, due);
  return create(AvailabilitySchema, {
    sku: level.sku,
    warehouse: level.warehouse,
    onHand: level.onHand,
    reserved: level.reserved,
    unavailable: level.unavailable,
    safetyStock: level.safetyStock,
    available,
    shortage: shortageUnits(level, due),
    version: BigInt(level.version),
    changeTime: toTimestamp(level.changedAt),
    committed: level.committed,
    due,
    saleAvailable: saleAvailableUnits(level, due, saleDue),
    flag: AvailabilityFlag[availabilityFlag(available, level.lowThreshold)],
  });
}

/** An item to put. @param newItemId the stable id it gets if its SKU is new and the caller names none */
export function fromItem(wire: Item, newItemId: string): item.Item | Refusal {
  if (wire.tracking === Tracking.LOT) return unsupported('items.tracking');
  if (wire.components.length > 0) return unsupported('items.components');
  return {
    itemId: wire.itemId === '' ? newItemId : wire.itemId,
    sku: wire.sku,
    name: wire.name,
    tracking: wire.tracking === Tracking.SERIAL ? 'SERIAL' : 'QUANTITY',
    product: wire.product,
    attributes: wire.attributes,
    equivalentSkus: wire.equivalentSkus,
    retired: wire.retired,
  };
}

export function toItem(known: item.Item): Item {
  return create(ItemSchema, {
    ...known,
    tracking: Tracking[known.tracking],
    attributes: { ...known.attributes },
    equivalentSkus: [...known.equivalentSkus],
  });
}

export function fromWarehouse(wire: Warehouse): sourcing.Warehouse {
  return {
    code: wire.code,
    name: wire.name,
    timeZone: wire.timeZone === '' ? 'UTC' : wire.timeZone,
    priority: wire.priority,
    countryCode: wire.countryCode,
    postalCode: wire.postalCode,
    enabled: wire.enabled,
    wms: wire.wms,
  };
}

export function toWarehouse(known: sourcing.Warehouse): Warehouse {
  return create(WarehouseSchema, known);
}

export function fromReceipt(wire: StockReceipt): StockChange | Refusal {
  const refusal = findPart(wire) ?? (wire.lotExpireTime === undefined ? null : unsupported('lot_expire_time'));
  if (refusal !== null) return refusal;
  return { sku: wire.sku, warehouse: wire.warehouse, delta: { onHand: wire.quantity }, unitIds: wire.unitIds };
}

export function fromAdjustment(wire: StockAdjustment): StockChange | Refusal {
  const refusal = findPart(wire);
  if (refusal !== null) return refusal;
  const { onHandDelta: onHand, unavailableDelta: unavailable, committedDelta: committed } = wire;
  return { sku: wire.sku, warehouse: wire.warehouse, delta: { onHand, unavailable, committed }, unitIds: wire.unitIds };
}

export function fromCount(wire: StockCount): DomainCount | Refusal {
  const refusal = findPart(wire) ?? (wire.unitIds.length > 0 ? unsupported('counts of serial units') : null);
  if (refusal !== null) return refusal;
  return {
    sku: wire.sku,
    warehouse: wire.warehouse,
    onHand: wire.onHand,
    unavailable: wire.unavailable ?? null,
    committed: wire.committed ?? null,
    expectedOnHand: wire.expectedOnHand ?? null,
    countedAt: fromTimestamp(wire.countedTime),
    netOfReserved: wire.netOfReserved,
  };
}

/** Bins and lots are not kept in this version. */
function findPart(wire: { readonly bin: string; readonly lot: string }): Refusal | null {
  if (wire.bin !== '') return unsupported('bin');
  return wire.lot === '' ? null : unsupported('lot');
}
