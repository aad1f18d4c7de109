import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../src/gen/grpc/health/v1/health_pb.ts';
import { LONG_CALL_TIMEOUT_MS, type Session } from '../session.ts';
import { clockOffsetMs, getPage } from './http-page.ts';

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
  /** What to do where it failed. */
  readonly remedy: string;
}

const NODE_MAJOR_MIN = 24;

/** The time the gRPC health check has, in milliseconds. */
const HEALTH_TIMEOUT_MS = 5_000;

/** How far the clocks may be apart, in milliseconds: hold windows are judged by the service's. */
const CLOCK_OFFSET_MAX_MS = 5_000;

/** Checks from the ground up. Where the service is out of reach, what needs it is left out. */
export async function* runChecks(session: Session, isDeep: boolean): AsyncGenerator<Finding> {
  yield checkNode(process.versions.node);
  const reach = await checkHttp(session);
  yield reach;
  if (!reach.isOk) return;
  yield await checkReadiness(session);
  yield await checkGrpc(session);
  yield await checkClock(session);
  if (isDeep) yield await checkLedger(session);
}

export function checkNode(version: string): Finding {
  return {
    name: 'Node',
    isOk: Number(version.split('.')[0]) >= NODE_MAJOR_MIN,
    detail: `version ${version}, ${NODE_MAJOR_MIN} or newer is needed`,
    remedy: 'run it as "npx earmark" in the checkout, which brings its own Node',
  };
}

async function checkHttp({ address }: Session): Promise<Finding> {
  const page = await getPage(`${address.url}/livez`);
  const remedy = 'start the service by "npx earmark start", or say where it is with --url or EARMARK_URL';
  const detail = 'failure' in page ? page.failure : `${address.url} answers ${page.status}`;
  return { name: 'HTTP port', isOk: 'status' in page && page.status === 200, detail, remedy };
}

/** `/readyz` names what is missing: the database, NATS, or that the process is draining. */
async function checkReadiness({ address }: Session): Promise<Finding> {
  const page = await getPage(`${address.url}/readyz`);
  const isOk = 'status' in page && page.status === 200;
  const told = 'failure' in page ? page.failure : page.body.trim();
  return {
    name: 'database and NATS',
    isOk,
    detail: isOk ? 'the service is ready' : told,
    remedy: remedyFor(told),
  };
}

export function remedyFor(told: string): string {
  if (/draining/i.test(told)) return 'the process is stopping; call another one or start it again';
  if (/nats/i.test(told)) return 'look whether the server at NATS_URL runs; requests are served without it';
  if (/postgres|database/i.test(told)) return 'look whether the server at DATABASE_URL runs and takes connections';
  return 'the log of the service on its standard error tells more';
}

async function checkGrpc({ address }: Session): Promise<Finding> {
  const name = 'gRPC port';
  const transport = createGrpcTransport({ baseUrl: address.grpcUrl, defaultTimeoutMs: HEALTH_TIMEOUT_MS });
  const remedy = 'look at EARMARK_GRPC_PORT, and at what stands between here and there';
  try {
    const { status } = await createClient(Health, transport).check({});
    const isOk = status === ServingStatus.SERVING;
    return { name, isOk, detail: `${address.grpcUrl} says ${isOk ? 'SERVING' : 'NOT_SERVING'}`, remedy };
  } catch (error) {
    const why = error instanceof ConnectError ? Code[error.code] : String(error);
    return { name, isOk: false, detail: `${address.grpcUrl} does not answer: ${why}`, remedy };
  }
}

async function checkClock({ address, clock }: Session): Promise<Finding> {
  const offsetMs = await clockOffsetMs(`${address.url}/livez`, clock);
  return {
    name: 'clocks',
    isOk: offsetMs !== null && Math.abs(offsetMs) <= CLOCK_OFFSET_MAX_MS,
    detail:
      offsetMs === null
        ? 'the service does not tell its time'
        : `${Math.round(offsetMs / 1_000)} s apart from the service`,
    remedy: 'set both clocks by NTP',
  };
}

async function checkLedger(session: Session): Promise<Finding> {
  const name = 'ledger';
  const remedy = 'run "earmark audit verify" for each difference, and keep the database as it is';
  try {
    const report = await session.audit.verifyLedger({}, { timeoutMs: LONG_CALL_TIMEOUT_MS });
    const drifts = report.drifts.length;
    const detail = `${report.poolsChecked} pools, ${report.reservationsChecked} reservations, ${drifts} drifts`;
    return { name, isOk: drifts === 0, detail, remedy };
  } catch (error) {
    const why = error instanceof ConnectError ? error.rawMessage : String(error);
    return { name, isOk: false, detail: `could not be verified: ${why}`, remedy };
  }
}
