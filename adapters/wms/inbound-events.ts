import {
  PickAbortedSchema,
  PickConfirmedSchema,
  PickShortedSchema,
  PickStartedSchema,
  ShipmentConfirmedSchema,
} from '../../src/gen/earmark/wms/v1/pick_answers_pb.ts';
import { InventoryCountedSchema } from '../../src/gen/earmark/wms/v1/stock_reports_pb.ts';
import type { PickEvent } from '../../src/use-cases/warehouse-message.ts';

/** Events about the picking of one reservation, which share one form. */
export const PICK_EVENT_SCHEMAS = {
  'pick-started': PickStartedSchema,
  'pick-aborted': PickAbortedSchema,
  'pick-confirmed': PickConfirmedSchema,
  'pick-shorted': PickShortedSchema,
  'shipment-confirmed': ShipmentConfirmedSchema,
} as const satisfies Record<PickEvent, unknown>;

/** Every inbound event that is acted upon. */
export const HANDLED_EVENT_SCHEMAS = { ...PICK_EVENT_SCHEMAS, 'inventory-counted': InventoryCountedSchema } as const;

/** Inbound events of the contract that this version answers with REJECTED, UNSUPPORTED. */
export const UNSUPPORTED_EVENTS: ReadonlySet<string> = new Set([
  'allocation-result',
  'unit-substituted',
  'inventory-adjusted',
  'item-received',
  'wms-status',
]);

export type HandledEvent = keyof typeof HANDLED_EVENT_SCHEMAS;

export function isHandled(event: string): event is HandledEvent {
  return Object.hasOwn(HANDLED_EVENT_SCHEMAS, event);
}

export function isPickEvent(event: HandledEvent): event is PickEvent {
  return Object.hasOwn(PICK_EVENT_SCHEMAS, event);
}
