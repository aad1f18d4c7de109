import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startExchangeInbox } from '../../adapters/exchange/inbox.ts';
import { createRefillTarget } from '../../adapters/nats/refill-target.ts';
import { startWarehouseInbox } from '../../adapters/wms/inbox.ts';
import { createEventReader } from '../../src/persistence/event-reader.ts';
import { createOutbox } from '../../src/persistence/outbox.ts';
import { createRefusals } from '../../src/persistence/refusals.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import type { EventReader } from '../../src/ports/event-reader.ts';
import type { ReservationReader, StockReader, UnitOfWork } from '../../src/ports.ts';
import { keepLastValuesFilled } from '../../src/workers/last-value-refill.ts';
import { type OutboxRelay, startOutboxRelay } from '../../src/workers/outbox-relay.ts';
import { type NatsSide, openNatsSide } from './nats-side.ts';
import { openTestService, type TestService } from './test-service.ts';

const REFILL_CHECK_MS = 200;

/** One process with its relay and its inbox, over a database and a nats-server of the test. */
export interface WarehouseSide {
  readonly service: TestService;
  readonly nats: NatsSide;
  readonly relay: OutboxRelay;
  readonly stock: StockReader;
  readonly reservations: ReservationReader;
  readonly events: EventReader;
  /** What the inbox and the relay could not do. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function openWarehouseSide(
  databaseUrl: string,
  server: EmbeddedServer,
  unitOfWorkOf: (unitOfWork: UnitOfWork) => UnitOfWork = (unitOfWork) => unitOfWork,
): Promise<WarehouseSide> {
  const service = await openTestService(databaseUrl);
  const { orm, pool } = service.database;
  const stock = createStockReader(orm, pool);
  const nats = await openNatsSide(server, [], stock);
  const complaints: string[] = [];
  const log = (message: string) => complaints.push(message);
  const relay = startOutboxRelay({
    outbox: createOutbox(pool, stock),
    publisher: nats.publisher,
    whileLeading: (epoch, signal) =>
      keepLastValuesFilled(
        { target: createRefillTarget(nats.publisher), stock, checkIntervalMs: REFILL_CHECK_MS },
        epoch,
        signal,
      ),
    report: (event) => {
      if (event.kind === 'failed') log(String(event.error));
    },
  });
  const listening = {
    patience: { deliveriesMax: 2, attemptsMax: 6 },
    link: nats.link,
    ensureStreams: nats.keeper.ensure,
    unitOfWork: unitOfWorkOf(service.unitOfWork),
    log,
  };
  const inboxes = [startWarehouseInbox({ ...listening, warehouses: stock.warehouses }), startExchangeInbox(listening)];
  return {
    service,
    nats,
    relay,
    stock,
    reservations: createReservationReader(pool),
    events: createEventReader(pool, createRefusals(pool)),
    complaints,
    close: async () => {
      await Promise.all([...inboxes.map((inbox) => inbox.stop()), relay.stop()]);
      await nats.close();
      await service.close();
    },
  };
}
