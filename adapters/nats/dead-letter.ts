import type { JetStreamClient, JsMsg } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/transport-node';
import { dlqSubject } from './subjects.ts';

const PUBLISH_TIMEOUT_MS = 5_000;
/** Instructions of the sender to JetStream, which would be obeyed a second time. */
const SERVER_HEADERS = /^nats-/i;

/**
 * Parks a message where people find it and can replay it: the payload as it came, its headers, and why.
 * The same message parked again is recognised and kept once.
 * @throws where it was not stored
 */
export async function parkMessage(js: JetStreamClient, wms: string, message: JsMsg, reason: string): Promise<void> {
  const { stream, streamSequence, timestampNanos } = message.info;
  const headers = createHeaders();
  for (const [name, values] of message.headers ?? []) {
    if (SERVER_HEADERS.test(name)) continue;
    for (const value of values) headers.append(name, value);
  }
  headers.set('earmark-reason', reason);
  headers.set('earmark-stream', stream);
  headers.set('earmark-subject', message.subject);
  headers.set('earmark-sequence', String(streamSequence));
  headers.set('earmark-deliveries', String(message.info.deliveryCount));
  headers.set('Nats-Msg-Id', `d:${stream}:${streamSequence}:${timestampNanos}`);
  const subject = dlqSubject(stream, wms, reason);
  await js.publish(subject, message.data, { headers, timeout: PUBLISH_TIMEOUT_MS });
}
