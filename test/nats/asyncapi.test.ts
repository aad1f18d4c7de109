import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXED_STREAMS, inboundStream } from '../../adapters/nats/streams.ts';
import { UNSUPPORTED_EVENTS } from '../../adapters/wms/inbound-events.ts';
import { asyncApiText } from '../support/asyncapi-document.ts';
import { listChannels, UNSUPPORTED_SCHEMAS } from '../support/nats-channels.ts';

const root = join(import.meta.dirname, '../..');
const committed = readFileSync(join(root, 'asyncapi.yaml'), 'utf8');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** The subjects the contract names, one for each of its table's events. */
const CONTRACT = [
  ...['reservation-requested', 'reservation-changed', 'reservation-released', 'pick-requested', 'pick-cancelled'].map(
    (event) => `earmark.v1.out.{wms}.${event}.{site}.{trackingId}`,
  ),
  'earmark.v1.out.{wms}.reserved-count-set.{site}.{sku}',
  ...['pick-started', 'pick-aborted', 'pick-confirmed', 'pick-shorted', 'shipment-confirmed', 'inventory-counted'].map(
    (event) => `earmark.v1.in.{wms}.${event}.{messageId}`,
  ),
  ...['allocation-result', 'unit-substituted', 'inventory-adjusted', 'item-received', 'wms-status'].map(
    (event) => `earmark.v1.in.{wms}.${event}.{messageId}`,
  ),
  ...['reserved', 'waitlisted', 'extended', 'preparing', 'ready', 'short', 'released', 'expired', 'fulfilled'].map(
    (event) => `earmark.v1.event.${event}.{trackingId}`,
  ),
  'earmark.v1.event.expiring-soon.{trackingId}',
  'earmark.v1.event.changed.{trackingId}',
  'earmark.v1.event.refused.{trackingId}',
  'earmark.v1.state.{wms}.{site}.{sku}',
  'earmark.v1.availability.{site}.{sku}',
  'earmark.v1.exchange.milestone.{exchange}',
  'earmark.v1.exchange.request.{exchange}',
  'earmark.v1.req.{wms}.snapshot',
  'earmark.v1.req.{wms}.resend',
  'earmark.v1.ack.{wms}.{event}.{messageId}',
  'earmark.v1.dlq.{stream}.{wms}.{reason}',
];

describe('asyncapi.yaml', () => {
  it('is what the subjects and descriptors make it', () => {
    expect(committed).toBe(asyncApiText(version));
  });

  it('names every subject of the contract', () => {
    const addresses = new Set(listChannels().map((channel) => channel.address));
    for (const address of CONTRACT) {
      expect(addresses, address).toContain(address);
      expect(committed).toContain(`address: ${JSON.stringify(address)}`);
    }
  });

  it('puts each subject into the stream that keeps it', () => {
    const specs = [...FIXED_STREAMS, inboundStream('W')];
    for (const { address, stream } of listChannels()) {
      const subject = address.replace(/\{\w+\}/g, 'W');
      const keepers = specs.filter(({ subjects }) => subjects.some((filter) => matches(filter, subject)));
      expect(
        keepers.map(({ name }) => name),
        address,
      ).toEqual(stream === null ? [] : [stream.replace('{wms}', 'W')]);
    }
  });

  it('has a message for every event that is refused as unsupported', () => {
    expect(Object.keys(UNSUPPORTED_SCHEMAS).toSorted()).toEqual([...UNSUPPORTED_EVENTS].toSorted());
  });
});

/** Whether a subject without wildcards falls under a filter of `*` and plain tokens. */
function matches(filter: string, subject: string): boolean {
  const [tokens, parts] = [filter.split('.'), subject.split('.')];
  return tokens.length === parts.length && tokens.every((token, at) => token === '*' || token === parts[at]);
}
