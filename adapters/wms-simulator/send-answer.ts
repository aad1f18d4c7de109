import { create, type DescMessage } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SpanKind, trace } from '@opentelemetry/api';
import {
  PickConfirmedSchema,
  PickShortedSchema,
  PickStartedSchema,
  ShipmentConfirmedSchema,
} from '../../src/gen/earmark/wms/v1/pick_answers_pb.ts';
import { InventoryCountedSchema } from '../../src/gen/earmark/wms/v1/stock_reports_pb.ts';
import { encodeMessage } from '../nats/codec.ts';
import { encodeToken, inSubject } from '../nats/subjects.ts';
import { contextOf, formatTraceparent } from '../nats/trace-context.ts';
import type { PickPicture } from './picture.ts';
import type { PlannedAnswer } from './plan-answers.ts';

const TRACER = 'earmark-simulator';
const PUBLISH_TIMEOUT_MS = 5_000;
/** A message with this id is stored already. */
const ALREADY_RECEIVED = 10_077;

const SCHEMAS = {
  'pick-started': PickStartedSchema,
  'pick-confirmed': PickConfirmedSchema,
  'pick-shorted': PickShortedSchema,
  'shipment-confirmed': ShipmentConfirmedSchema,
} as const;

export interface Answering {
  readonly wms: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Units the warehouse believes to have of a SKU at the site of the pick. */
  readonly onHandOf: (sku: string) => number;
}

/**
 * Sends one answer, in the trace of the pick.
 * @throws where it was not stored; the same answer may then be sent again
 */
export async function sendAnswer(connection: NatsConnection, pick: PickPicture, answer: PlannedAnswer, by: Answering) {
  const { event, messageId } = answer;
  const parent = contextOf(pick.traceparent);
  const span = trace.getTracer(TRACER).startSpan(`send ${event}`, { kind: SpanKind.PRODUCER }, parent);
  try {
    const { schema, message } = messageOf(pick, answer, by);
    const { payload, headers } = encodeMessage<DescMessage>(schema, message, {
      source: `/warehouse/${encodeToken(by.wms)}`,
      subject: pick.trackingId,
      sequence: BigInt(by.now),
      traceparent: formatTraceparent(span.spanContext()),
    });
    const subject = inSubject(by.wms, event, messageId);
    await jetstream(connection).publish(subject, payload, { headers, timeout: PUBLISH_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== ALREADY_RECEIVED) throw error;
  } finally {
    span.end();
  }
}

function messageOf(pick: PickPicture, { event, messageId, lines }: PlannedAnswer, { now, onHandOf }: Answering) {
  const occurredTime: Timestamp = timestampFromMs(now);
  const common = { messageId, warehouse: pick.site, occurredTime };
  if (event === 'inventory-counted') {
    const counts = lines.map(({ sku }) => ({
      sku,
      warehouse: pick.site,
      onHand: onHandOf(sku) + 1,
      countedTime: occurredTime,
    }));
    const message = create(InventoryCountedSchema, { ...common, countId: messageId, counts });
    return { schema: InventoryCountedSchema, message };
  }
  const schema = SCHEMAS[event];
  const fields = { ...common, trackingId: pick.trackingId, lines: lines.map((line) => ({ ...line })) };
  return { schema, message: create(schema, fields) };
}
