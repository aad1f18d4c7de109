import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { warningTexts } from '../../src/domain/expiry-warning.ts';
import {
  fulfilledUnits,
  isReplaced,
  type Reservation,
  type ReservationLine,
  reservedUnits,
  shortUnits,
  waitingUnits,
  warehousesOf,
} from '../../src/domain/reservation.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';
import {
  ChangedSchema,
  ExpiringSoonSchema,
  ExtendedSchema,
  ReservedSchema,
  WaitlistedSchema,
} from '../../src/gen/earmark/event/v1/holding_events_pb.ts';
import { PreparingSchema, ReadySchema, ShortSchema } from '../../src/gen/earmark/event/v1/preparation_events_pb.ts';
import { ExpiredSchema, FulfilledSchema, ReleasedSchema } from '../../src/gen/earmark/event/v1/resolution_events_pb.ts';
import { ReleaseReason, ReservationState } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { PickCancelledSchema, PickRequestedSchema } from '../../src/gen/earmark/wms/v1/pick_messages_pb.ts';
import {
  ReservationChangedSchema,
  ReservationReleasedSchema,
  ReservationRequestedSchema,
} from '../../src/gen/earmark/wms/v1/reservation_messages_pb.ts';
import { encodeMessage } from './codec.ts';
import { EVENT_SOURCE, type OutgoingMessage, type PublishContext, type ReservationRow } from './outgoing.ts';
import { pickIdAt, type SiteChange, type SiteEvent, siteChanges } from './site-changes.ts';
import { encodeToken, eventSubject, outSubject } from './subjects.ts';

/** The published event of each kind of transition. */
export const EVENT_SCHEMAS = {
  reserved: ReservedSchema,
  waitlisted: WaitlistedSchema,
  extended: ExtendedSchema,
  changed: ChangedSchema,
  preparing: PreparingSchema,
  ready: ReadySchema,
  short: ShortSchema,
  released: ReleasedSchema,
  expired: ExpiredSchema,
  fulfilled: FulfilledSchema,
  'expiring-soon': ExpiringSoonSchema,
} as const satisfies Record<TransitionKind, DescMessage>;

const RESERVATION_SCHEMAS = {
  'reservation-requested': ReservationRequestedSchema,
  'reservation-changed': ReservationChangedSchema,
  'reservation-released': ReservationReleasedSchema,
} as const;

const PICK_SCHEMAS = { 'pick-requested': PickRequestedSchema, 'pick-cancelled': PickCancelledSchema } as const;

/** The message to a warehouse of each event about a reservation. */
export const SITE_SCHEMAS = { ...RESERVATION_SCHEMAS, ...PICK_SCHEMAS } as const satisfies Record<
  SiteEvent,
  DescMessage
>;

/** The event for channels and portals, and what the warehouse systems involved have to be told. */
export function reservationMessages(row: ReservationRow, context: PublishContext): OutgoingMessage[] {
  const changes = siteChanges(row.kind, row.previous, row.reservation);
  return [
    eventMessage(row, context),
    ...changes.flatMap((change) => {
      const wms = context.wmsOf(change.site);
      return wms === '' ? [] : [siteMessage(row, change, wms, context)];
    }),
  ];
}

function eventMessage(row: ReservationRow, context: PublishContext): OutgoingMessage {
  const { reservation, kind } = row;
  const messageId = `r:${reservation.reservationId}:${row.version}:${kind}`;
  const sites = warehousesOf(reservation);
  const fields = {
    ...identity(row, messageId, context),
    warehouse: sites.length === 1 ? (sites[0] ?? '') : '',
    trackingId: reservation.trackingId,
    exchangeId: reservation.exchangeId,
    returnCaseId: reservation.returnCaseId,
    orderId: reservation.orderId,
    ...stateOf(reservation),
    lines: reservation.lines.filter((line) => !isReplaced(line)).map(lineOf),
    expireTime: timestampFromMs(reservation.expireAt),
    ruleVersion: BigInt(reservation.ruleVersion),
    ...(kind === 'expiring-soon' ? warningTexts(new Date(reservation.expireAt).toISOString()) : {}),
  };
  return encode(EVENT_SCHEMAS[kind], fields, eventSubject(kind, reservation.trackingId), row, context);
}

function siteMessage(row: ReservationRow, change: SiteChange, wms: string, context: PublishContext): OutgoingMessage {
  const { reservation } = row;
  const { site, event } = change;
  const { trackingId } = reservation;
  const messageId = `r:${reservation.reservationId}:${row.version}:${event}:${encodeToken(site)}`;
  const subject = outSubject(wms, event, site, trackingId);
  const common = {
    ...identity(row, messageId, context),
    warehouse: site,
    trackingId,
    lines: change.lines.map(({ unitIds = [], ...line }) => ({ ...line, unitIds: [...unitIds] })),
  };
  const deadline = timestampFromMs(reservation.expireAt);
  if (event === 'pick-requested' || event === 'pick-cancelled') {
    // What is called off is what was asked for before.
    const picked = event === 'pick-cancelled' ? (row.previous ?? reservation) : reservation;
    const fields = { ...common, pickId: pickIdAt(picked, site), shipByTime: deadline };
    return encode(PICK_SCHEMAS[event], fields, subject, row, context);
  }
  const fields = {
    ...common,
    exchangeId: reservation.exchangeId,
    returnCaseId: reservation.returnCaseId,
    ...stateOf(reservation),
    expireTime: deadline,
    priority: reservation.priority,
  };
  return encode(RESERVATION_SCHEMAS[event], fields, subject, row, context);
}

interface Identity {
  readonly messageId: string;
  readonly occurredTime: Timestamp;
  readonly version: bigint;
  readonly epoch: bigint;
}

function identity(row: ReservationRow, messageId: string, { epoch }: PublishContext): Identity {
  return { messageId, occurredTime: timestampFromMs(row.createdAt), version: BigInt(row.version), epoch };
}

function encode<Desc extends (typeof EVENT_SCHEMAS)[TransitionKind] | (typeof SITE_SCHEMAS)[SiteEvent]>(
  schema: Desc,
  fields: MessageInitShape<Desc> & Identity,
  subject: string,
  row: ReservationRow,
  context: PublishContext,
): OutgoingMessage {
  const message = create<DescMessage>(schema, fields as MessageInitShape<DescMessage> & Identity);
  const encoded = encodeMessage<DescMessage>(schema, message as typeof message & Identity, {
    source: EVENT_SOURCE,
    subject: row.reservation.trackingId,
    sequence: BigInt(row.version),
    traceparent: context.traceparent,
  });
  return { ...encoded, subject, messageId: fields.messageId };
}

function stateOf({ state, releaseReason }: Reservation): { state: ReservationState; releaseReason: ReleaseReason } {
  return {
    state: ReservationState[state],
    releaseReason: releaseReason === null ? ReleaseReason.UNSPECIFIED : ReleaseReason[releaseReason],
  };
}

function lineOf(line: ReservationLine) {
  return {
    lineNumber: line.lineNumber,
    sku: line.sku,
    substitutedForSku: line.substitutedFor ?? '',
    quantity: line.quantity,
    reservedQuantity: reservedUnits(line),
    waitlistedQuantity: waitingUnits(line),
    fulfilledQuantity: fulfilledUnits(line),
    shortQuantity: shortUnits(line),
    pickedQuantity: line.allocations.reduce((sum, part) => sum + part.picked, 0),
    orderLineId: line.orderLineId,
    returnedSku: line.returnedSku,
    allocations: line.allocations
      .filter((part) => part.reserved > 0)
      .map((part) => ({
        warehouse: part.warehouse,
        quantity: part.reserved,
        sku: line.sku,
        unitIds: (part.units ?? []).map((unit) => unit.unitId),
      })),
  };
}
