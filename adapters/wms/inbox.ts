import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import type { NatsLink } from '../nats/connection.ts';
import { type Listener, listenInOrder, startListener } from '../nats/listen-in-order.ts';
import { pause } from '../nats/pause.ts';
import { inStreamName } from '../nats/subjects.ts';
import { type HandlerDeps, openDelivery } from './handle-message.ts';

/** The durable consumer of each inbound stream. */
const CONSUMER = 'earmark';
/** How soon a warehouse system that was added is listened to. */
const FOLLOW_INTERVAL_MS = 2_000;

export interface WarehouseInboxDeps extends HandlerDeps {
  readonly link: NatsLink;
  readonly warehouses: () => Promise<readonly Warehouse[]>;
  /** Creates the inbound streams of all connected warehouse systems. */
  readonly ensureStreams: () => Promise<void>;
}

/** Listens to every connected warehouse system, also to those that are added later. */
export function startWarehouseInbox(deps: WarehouseInboxDeps): Listener {
  return startListener((stopping, giveUp) => follow(deps, stopping, giveUp));
}

async function follow(deps: WarehouseInboxDeps, stopping: AbortSignal, giveUp: AbortSignal): Promise<void> {
  const listeners = new Map<string, Promise<void>>();
  while (!stopping.aborted) {
    try {
      for (const { wms } of await deps.warehouses()) {
        if (wms !== '' && !listeners.has(wms)) listeners.set(wms, listen(deps, wms, stopping, giveUp));
      }
    } catch (error) {
      deps.log?.(`the warehouses could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    await pause(FOLLOW_INTERVAL_MS, stopping);
  }
  await Promise.all(listeners.values());
}

function listen(deps: WarehouseInboxDeps, wms: string, stopping: AbortSignal, giveUp: AbortSignal): Promise<void> {
  const { link, ensureStreams, patience, log } = deps;
  const open = (message: JsMsg, connection: NatsConnection) => openDelivery(deps, wms, message, connection);
  const stream = inStreamName(wms);
  return listenInOrder({ link, stream, consumer: CONSUMER, patience, open, ensureStreams, log }, stopping, giveUp);
}
