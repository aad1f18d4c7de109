import type { NatsLink } from '../nats/connection.ts';
import { type Listener, listenInOrder, startListener } from '../nats/listen-in-order.ts';
import { MILESTONE_FILTER } from '../nats/subjects.ts';
import { type HandlerDeps, openDelivery } from './handle-milestone.ts';

const STREAM = 'EARMARK_EXCHANGE';
const CONSUMER = 'earmark-milestone';

export interface ExchangeInboxDeps extends HandlerDeps {
  readonly link: NatsLink;
  /** Creates the stream where it is missing. */
  readonly ensureStreams: () => Promise<void>;
}

/** Listens to the milestones the exchange platform reports. */
export function startExchangeInbox(deps: ExchangeInboxDeps): Listener {
  const { link, ensureStreams, patience, log } = deps;
  const options = {
    link,
    stream: STREAM,
    consumer: CONSUMER,
    filter: MILESTONE_FILTER,
    patience,
    open: (message: Parameters<typeof openDelivery>[1], connection: Parameters<typeof openDelivery>[2]) =>
      openDelivery(deps, message, connection),
    ensureStreams,
    log,
  };
  return startListener((stopping, giveUp) => listenInOrder(options, stopping, giveUp));
}
