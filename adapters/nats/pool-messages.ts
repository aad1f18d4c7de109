import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { availabilityFlag, availableUnits, saleAvailableUnits, shortageUnits } from '../../src/domain/stock-level.ts';
import { AvailabilityChangedSchema } from '../../src/gen/earmark/event/v1/availability_changed_pb.ts';
import { AvailabilityFlag } from '../../src/gen/earmark/v1/availability_pb.ts';
import { ReservedCountSetSchema } from '../../src/gen/earmark/wms/v1/reserved_count_set_pb.ts';
import type { StockView } from '../../src/ports.ts';
import { encodeMessage } from './codec.ts';
import { EVENT_SOURCE, type LastValueMessage, type OutgoingMessage, type PublishContext } from './outgoing.ts';
import { availabilitySubject, encodeSku, encodeToken, outSubject, stateSubject } from './subjects.ts';

/** The message of the new count to the warehouse system, or null where none is connected. */
export function reservedCountMessage(view: StockView, context: PublishContext): OutgoingMessage | null {
  const { sku, warehouse } = view.level;
  const wms = context.wmsOf(warehouse);
  if (wms === '') return null;
  const messageId = `p:${poolToken(view)}:${view.level.version}`;
  const encoded = encodeCount(view, messageId, context);
  return { ...encoded, subject: outSubject(wms, 'reserved-count-set', warehouse, sku), messageId };
}

/** The same count as last value of the pool, or null where no warehouse system is connected. */
export function stateMessage(view: StockView, context: PublishContext): LastValueMessage | null {
  const { sku, warehouse, version } = view.level;
  const wms = context.wmsOf(warehouse);
  if (wms === '') return null;
  const messageId = lastValueId('s', view, context);
  return {
    ...encodeCount(view, messageId, context),
    subject: stateSubject(wms, warehouse, sku),
    messageId,
    stream: 'EARMARK_STATE',
    epoch: context.epoch,
    version: BigInt(version),
  };
}

/** All numbers of the pool as its last value. */
export function availabilityMessage(view: StockView, context: PublishContext): LastValueMessage {
  const { level, due, saleDue } = view;
  const messageId = lastValueId('a', view, context);
  const available = availableUnits(level, due);
  const message = create(AvailabilityChangedSchema, {
    messageId,
    warehouse: level.warehouse,
    occurredTime: timestampFromMs(level.changedAt),
    version: BigInt(level.version),
    epoch: context.epoch,
    availability: {
      sku: level.sku,
      warehouse: level.warehouse,
      onHand: level.onHand,
      reserved: level.reserved,
      unavailable: level.unavailable,
      safetyStock: level.safetyStock,
      available,
      shortage: shortageUnits(level, due),
      version: BigInt(level.version),
      changeTime: timestampFromMs(level.changedAt),
      committed: level.committed,
      due,
      saleAvailable: saleAvailableUnits(level, due, saleDue),
      flag: AvailabilityFlag[availabilityFlag(available, level.lowThreshold)],
    },
  });
  return {
    ...encodeMessage(AvailabilityChangedSchema, message, envelope(view, context)),
    subject: availabilitySubject(level.warehouse, level.sku),
    messageId,
    stream: 'EARMARK_AVAILABILITY',
    epoch: context.epoch,
    version: BigInt(level.version),
  };
}

function encodeCount(view: StockView, messageId: string, context: PublishContext) {
  const { level, due } = view;
  const message = create(ReservedCountSetSchema, {
    messageId,
    warehouse: level.warehouse,
    occurredTime: timestampFromMs(level.changedAt),
    version: BigInt(level.version),
    epoch: context.epoch,
    sku: level.sku,
    reserved: level.reserved,
    onHand: level.onHand,
    unavailable: level.unavailable,
    available: availableUnits(level, due),
  });
  return encodeMessage(ReservedCountSetSchema, message, envelope(view, context));
}

function envelope({ level }: StockView, { traceparent }: PublishContext) {
  return { source: EVENT_SOURCE, subject: level.sku, sequence: BigInt(level.version), traceparent };
}

function lastValueId(prefix: string, view: StockView, { epoch, refill }: PublishContext): string {
  return `${prefix}:${poolToken(view)}:${view.level.version}:${epoch}${refill}`;
}

function poolToken({ level }: StockView): string {
  return `${encodeSku(level.sku)}:${encodeToken(level.warehouse)}`;
}
