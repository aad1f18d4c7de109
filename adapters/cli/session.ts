import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AuditService } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { KpiService } from '../../src/gen/earmark/v1/kpi_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import type { Clock } from '../../src/ports.ts';
import type { CliEnvironment, ServiceAddress } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** The time one unary call has, in milliseconds. */
export const CALL_TIMEOUT_MS = 10_000;

/** The time a call over the whole ledger has, in milliseconds: the most the service grants. */
export const LONG_CALL_TIMEOUT_MS = 600_000;

/** The largest answer that is read, in bytes. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/** What the command line needs of the world. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly environment: CliEnvironment;
  /** A new random id. */
  readonly newId: () => string;
  readonly clock: Clock;
  /** Aborted when the person or the reader of the answer has gone. */
  readonly interruption: AbortController;
}

/** One command against one service. */
export interface Session extends CliContext {
  readonly address: ServiceAddress;
  /** Whether answers are JSON, one document per line. */
  readonly isJson: boolean;
  readonly reservations: Client<typeof ReservationService>;
  readonly availability: Client<typeof AvailabilityService>;
  readonly stock: Client<typeof StockService>;
  readonly rules: Client<typeof RuleService>;
  readonly audit: Client<typeof AuditService>;
  readonly kpis: Client<typeof KpiService>;
}

/** Opens the session of the command that runs; to be called in its action. */
export type OpenSession = () => Session;

export function openSession(context: CliContext, address: ServiceAddress, isJson: boolean): Session {
  const transport = createConnectTransport({
    baseUrl: address.url,
    httpVersion: '1.1',
    defaultTimeoutMs: CALL_TIMEOUT_MS,
    readMaxBytes: ANSWER_MAX_BYTES,
  });
  return {
    ...context,
    address,
    isJson,
    reservations: createClient(ReservationService, transport),
    availability: createClient(AvailabilityService, transport),
    stock: createClient(StockService, transport),
    rules: createClient(RuleService, transport),
    audit: createClient(AuditService, transport),
    kpis: createClient(KpiService, transport),
  };
}

/** Writes an answer: its proto JSON on one line with every field, or the text for people. */
export async function answer<Schema extends DescMessage>(
  session: Session,
  schema: Schema,
  message: MessageShape<Schema>,
  toText: () => string,
): Promise<void> {
  const json = () => JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }));
  await session.terminal.write(`${session.isJson ? json() : toText()}\n`);
}
