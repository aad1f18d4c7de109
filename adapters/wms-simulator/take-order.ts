import type { DescMessage } from '@bufbuild/protobuf';
import type { MsgHdrs } from '@nats-io/transport-node';
import { SpanKind, trace } from '@opentelemetry/api';
import { PickCancelledSchema, PickRequestedSchema } from '../../src/gen/earmark/wms/v1/pick_messages_pb.ts';
import {
  ReservationChangedSchema,
  ReservationReleasedSchema,
  ReservationRequestedSchema,
} from '../../src/gen/earmark/wms/v1/reservation_messages_pb.ts';
import { type ReservedCountSet, ReservedCountSetSchema } from '../../src/gen/earmark/wms/v1/reserved_count_set_pb.ts';
import { decodeMessage, traceparentOf } from '../nats/codec.ts';
import { contextOf, formatTraceparent } from '../nats/trace-context.ts';
import { closePick, openPick, type PictureState, setPool, setReservation } from './picture.ts';
import { type PlannedLine, planAnswers } from './plan-answers.ts';
import type { SimulatorSettings } from './settings.ts';

const TRACER = 'earmark-simulator';
const OUT_EVENT_TOKEN = 4;

export interface OrderMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
}

/**
 * Takes one message of Earmark into the picture; older ones than known change nothing.
 * @throws Error where the payload is no such message
 */
export function takeOrder(state: PictureState, settings: SimulatorSettings, message: OrderMessage, now: number): void {
  const decode = <Desc extends DescMessage>(schema: Desc) => decodeMessage(schema, message.data, message.headers);
  switch (message.subject.split('.')[OUT_EVENT_TOKEN]) {
    case 'reserved-count-set':
      takeCount(state, decode(ReservedCountSetSchema));
      return;
    case 'reservation-requested':
      takeReservation(state, decode(ReservationRequestedSchema), true);
      return;
    case 'reservation-changed':
      takeReservation(state, decode(ReservationChangedSchema), true);
      return;
    case 'reservation-released':
      takeReservation(state, decode(ReservationReleasedSchema), false);
      return;
    case 'pick-requested': {
      const { pickId, lines, trackingId, warehouse, ...at } = decode(PickRequestedSchema);
      const plain = lines.map(plainLine);
      const answers = planAnswers(settings, { pickId, lines: plain });
      const dueAt = now + (answers[0]?.delayMs ?? 0);
      const traceparent = acceptedTrace(message.headers);
      const pick = { ...versionOf(at), trackingId, site: warehouse, lines: plain, traceparent, answers, dueAt };
      openPick(state, pickId, pick);
      return;
    }
    case 'pick-cancelled': {
      const cancelled = decode(PickCancelledSchema);
      closePick(state, cancelled.pickId, versionOf(cancelled));
      return;
    }
    default:
  }
}

/** Takes an absolute count, from the order stream or from the last values. */
export function takeCount(state: PictureState, count: ReservedCountSet): void {
  const { reserved, onHand, unavailable, available } = count;
  setPool(state, `${count.warehouse}/${count.sku}`, { ...versionOf(count), reserved, onHand, unavailable, available });
}

function takeReservation(
  state: PictureState,
  message: {
    readonly trackingId: string;
    readonly warehouse: string;
    readonly version: bigint;
    readonly epoch: bigint;
    readonly lines: readonly PlannedLine[];
  },
  isHeld: boolean,
): void {
  const lines = isHeld ? message.lines.map(plainLine) : [];
  setReservation(state, `${message.warehouse}/${message.trackingId}`, { ...versionOf(message), isHeld, lines });
}

function plainLine({ lineNumber, sku, quantity }: PlannedLine): PlannedLine {
  return { lineNumber, sku, quantity };
}

function versionOf({ epoch, version }: { readonly epoch: bigint; readonly version: bigint }) {
  return { epoch: epoch.toString(), version: Number(version) };
}

/** The warehouse's own span, which its answers are children of; without tracing, the sender's. */
function acceptedTrace(headers: MsgHdrs | undefined): string {
  const parent = contextOf(traceparentOf(headers));
  const span = trace.getTracer(TRACER).startSpan('accept pick', { kind: SpanKind.CONSUMER }, parent);
  span.end();
  return formatTraceparent(span.spanContext());
}
