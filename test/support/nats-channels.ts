import type { DescMessage } from '@bufbuild/protobuf';
import { EVENT_SCHEMAS, SITE_SCHEMAS } from '../../adapters/nats/reservation-messages.ts';
import {
  ackSubject,
  availabilitySubject,
  dlqSubject,
  eventSubject,
  inSubject,
  milestoneSubject,
  type OutEvent,
  outSubject,
  stateSubject,
} from '../../adapters/nats/subjects.ts';
import { HANDLED_EVENT_SCHEMAS, UNSUPPORTED_EVENTS } from '../../adapters/wms/inbound-events.ts';
import { AvailabilityChangedSchema } from '../../src/gen/earmark/event/v1/availability_changed_pb.ts';
import { RefusedSchema } from '../../src/gen/earmark/event/v1/refused_pb.ts';
import { ReportMilestoneRequestSchema } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { ReserveRequestSchema } from '../../src/gen/earmark/v1/reserve_pb.ts';
import { MessageVerdictSchema } from '../../src/gen/earmark/wms/v1/message_verdict_pb.ts';
import { AllocationResultSchema } from '../../src/gen/earmark/wms/v1/pick_answers_pb.ts';
import {
  ResendReplySchema,
  ResendRequestSchema,
  SnapshotReplySchema,
  SnapshotRequestSchema,
} from '../../src/gen/earmark/wms/v1/requests_pb.ts';
import { ReservedCountSetSchema } from '../../src/gen/earmark/wms/v1/reserved_count_set_pb.ts';
import {
  SnapshotBeginSchema,
  SnapshotEndSchema,
  SnapshotItemSchema,
} from '../../src/gen/earmark/wms/v1/snapshot_messages_pb.ts';
import {
  InventoryAdjustedSchema,
  ItemReceivedSchema,
  UnitSubstitutedSchema,
  WmsStatusSchema,
} from '../../src/gen/earmark/wms/v1/stock_reports_pb.ts';

/** One NATS subject of the contract, as a channel of the published description. */
export interface Channel {
  readonly id: string;
  readonly address: string;
  readonly stream: string | null;
  /** What Earmark does there. */
  readonly action: 'send' | 'receive';
  /** Null for parked messages, which may be anything. */
  readonly message: DescMessage | null;
  readonly reply?: DescMessage;
  /** Part of the contract, but not acted upon in this version. */
  readonly isPlanned: boolean;
  readonly summary: string;
}

/** Events a warehouse may send that are refused as unsupported for now. */
export const UNSUPPORTED_SCHEMAS: Readonly<Record<string, DescMessage>> = {
  'allocation-result': AllocationResultSchema,
  'unit-substituted': UnitSubstitutedSchema,
  'inventory-adjusted': InventoryAdjustedSchema,
  'item-received': ItemReceivedSchema,
  'wms-status': WmsStatusSchema,
};

const PLANNED_OUT = {
  'snapshot-begin': SnapshotBeginSchema,
  'snapshot-item': SnapshotItemSchema,
  'snapshot-end': SnapshotEndSchema,
};
const PLANNED_EVENTS = { refused: RefusedSchema };
const PLANNED_REQUESTS = {
  snapshot: [SnapshotRequestSchema, SnapshotReplySchema],
  resend: [ResendRequestSchema, ResendReplySchema],
} as const;

/** Stand-ins for the variable tokens: the subjects are built by the product's own builders. */
const WMS = 'wmsParameter';
const SITE = 'siteParameter';
const TRACKING = 'trackingIdParameter';
const SKU = 'skuParameter';
const MESSAGE = 'messageIdParameter';
const STREAM = 'streamParameter';
const REASON = 'reasonParameter';
const EVENT = 'eventParameter';
const EXCHANGE = 'exchangeParameter';

/** Every subject of the contract. */
export function listChannels(): Channel[] {
  return [...outChannels(), ...inChannels(), ...eventChannels(), ...otherChannels()];
}

function outChannels(): Channel[] {
  const out = (event: string, message: DescMessage, isPlanned: boolean): Channel =>
    channel(`out-${event}`, outSubject(WMS, event as OutEvent, SITE, TRACKING), 'EARMARK_OUT', 'send', message, {
      isPlanned,
      summary: `To the warehouse system: ${event}.`,
    });
  const count = outSubject(WMS, 'reserved-count-set', SITE, SKU);
  return [
    ...Object.entries(SITE_SCHEMAS).map(([event, message]) => out(event, message, false)),
    channel('out-reserved-count-set', count, 'EARMARK_OUT', 'send', ReservedCountSetSchema, {
      summary: 'To the warehouse system: the absolute reserved count of a pool.',
    }),
    ...Object.entries(PLANNED_OUT).map(([event, message]) => out(event, message, true)),
  ];
}

function inChannels(): Channel[] {
  const events: [string, DescMessage, boolean][] = [
    ...Object.entries(HANDLED_EVENT_SCHEMAS).map(([event, message]): [string, DescMessage, boolean] => [
      event,
      message,
      false,
    ]),
    ...[...UNSUPPORTED_EVENTS].map((event): [string, DescMessage, boolean] => {
      const message = UNSUPPORTED_SCHEMAS[event];
      if (message === undefined) throw new Error(`no message is known for ${event}`);
      return [event, message, true];
    }),
  ];
  return events.map(([event, message, isPlanned]) =>
    channel(`in-${event}`, inSubject(WMS, event, MESSAGE), 'EARMARK_IN_{wms}', 'receive', message, {
      isPlanned,
      summary: isPlanned ? `From the warehouse: ${event}, answered UNSUPPORTED.` : `From the warehouse: ${event}.`,
    }),
  );
}

function eventChannels(): Channel[] {
  const event = ([name, message]: [string, DescMessage], isPlanned: boolean): Channel =>
    channel(`event-${name}`, eventSubject(name, TRACKING), 'EARMARK_EVENT', 'send', message, {
      isPlanned,
      summary: `For channels, portal and staff tools: ${name}.`,
    });
  return [
    ...Object.entries(EVENT_SCHEMAS).map((entry) => event(entry, false)),
    ...Object.entries(PLANNED_EVENTS).map((entry) => event(entry, true)),
  ];
}

function otherChannels(): Channel[] {
  return [
    channel('state', stateSubject(WMS, SITE, SKU), 'EARMARK_STATE', 'send', ReservedCountSetSchema, {
      summary: 'The last reserved count of each pool; it never goes back by (epoch, version).',
    }),
    channel('availability', availabilitySubject(SITE, SKU), 'EARMARK_AVAILABILITY', 'send', AvailabilityChangedSchema, {
      summary: 'The last numbers of each pool.',
    }),
    channel('ack', ackSubject(WMS, EVENT, MESSAGE), 'EARMARK_ACK', 'send', MessageVerdictSchema, {
      summary: 'The verdict on each message of a warehouse.',
    }),
    channel('dlq', dlqSubject(STREAM, WMS, REASON), 'EARMARK_DLQ', 'send', null, {
      summary: 'Messages nobody could act upon, as they came, with earmark-reason and where they came from as headers.',
    }),
    channel(
      'exchange-milestone',
      milestoneSubject(EXCHANGE),
      'EARMARK_EXCHANGE',
      'receive',
      ReportMilestoneRequestSchema,
      {
        summary: 'The exchange platform reports a milestone.',
      },
    ),
    channel(
      'exchange-request',
      'earmark.v1.exchange.request.{exchange}',
      'EARMARK_EXCHANGE',
      'receive',
      ReserveRequestSchema,
      {
        isPlanned: true,
        summary: 'The exchange platform asks for a reservation; the answer is an event.',
      },
    ),
    ...Object.entries(PLANNED_REQUESTS).map(([name, [request, reply]]) => ({
      ...channel(`req-${name}`, `earmark.v1.req.{wms}.${name}`, null, 'receive', request, {
        isPlanned: true,
        summary: `The warehouse asks for a ${name}.`,
      }),
      reply,
    })),
  ];
}

function channel(
  id: string,
  subject: string,
  stream: string | null,
  action: Channel['action'],
  message: DescMessage | null,
  more: { readonly summary: string; readonly isPlanned?: boolean },
): Channel {
  const address = subject.replace(/(\w+?)Parameter/g, '{$1}');
  return { id, address, stream, action, message, isPlanned: false, ...more };
}
