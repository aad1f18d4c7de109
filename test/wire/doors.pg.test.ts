import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '../../src/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { SERVICES } from '../../src/transport/rpc-table.ts';
import { createConnectClient } from './connect-client.ts';
import { createCurlClient } from './curl-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { createConnectStreams, createGrpcStreams } from './stream-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

let service: WireService;
let base: string;

beforeEach(async () => {
  service = await startWireService();
  base = `http://127.0.0.1:${service.httpPort}`;
});

afterEach(() => service.stop());

describe('pages', () => {
  test.each([
    ['/', 200, 'text/html; charset=utf-8', 'Earmark'],
    ['/livez', 200, 'text/plain; charset=utf-8', 'ok'],
    ['/readyz', 200, 'text/plain; charset=utf-8', 'ok'],
    ['/nowhere', 404, 'text/plain; charset=utf-8', 'not found'],
    ['/earmark.v1.RuleService/Nothing', 404, 'text/plain; charset=utf-8', 'not found'],
  ])('%s answers %i', async (path, status, type, text) => {
    const response = await fetch(`${base}${path}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toContain(text);
  });

  test('metrics are served', async () => {
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('#');
  });
});

describe('the other protocols of the HTTP port', () => {
  test.each([
    ['gRPC over HTTP/2', () => createGrpcTransport({ baseUrl: base })],
    ['gRPC-Web over HTTP/1.1', () => createGrpcWebTransport({ baseUrl: base, httpVersion: '1.1' })],
    ['gRPC-Web over HTTP/2', () => createGrpcWebTransport({ baseUrl: base, httpVersion: '2' })],
  ])('%s', async (_name, transport) => {
    const client = createClient(RuleService, transport());
    expect(await client.getRules({})).toMatchObject({ rules: { version: 1n } });
    const wrong = client.getRules({ version: 9n });
    await expect(wrong).rejects.toMatchObject({ code: 3, rawMessage: 'the rules have no version 9' });
  });
});

describe('health and reflection', () => {
  test('health tells at once and at each change', async () => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: `http://127.0.0.1:${service.grpcPort}` }));
    expect(await client.check({})).toMatchObject({ status: ServingStatus.SERVING });
    expect(await client.check({ service: 'earmark.v1.RuleService' })).toMatchObject({ status: ServingStatus.SERVING });
    await expect(client.check({ service: 'nobody' })).rejects.toMatchObject({ code: 5 });
    const watching = client.watch({})[Symbol.asyncIterator]();
    expect((await watching.next()).value).toMatchObject({ status: ServingStatus.SERVING });
    service.grpc.setServing(false);
    expect((await watching.next()).value).toMatchObject({ status: ServingStatus.NOT_SERVING });
    await service.closeDoors(10_000);
    expect(await watching.next()).toMatchObject({ done: true });
  });

  test.each(['v1', 'v1alpha'])('reflection %s tells services and their files', async (version) => {
    const path = `/grpc.reflection.${version}.ServerReflection/${ServerReflection.methods[0]?.name}`;
    const ask = reflectionClient(service.grpcPort, path);
    const [services, file, healthFile, unknown] = await ask([
      { case: 'listServices', value: '' },
      { case: 'fileContainingSymbol', value: 'earmark.v1.ReservationService.Reserve' },
      { case: 'fileContainingSymbol', value: 'grpc.health.v1.Health' },
      { case: 'fileContainingSymbol', value: 'earmark.v1.Nothing' },
    ]);
    const served = [...SERVICES.map(({ typeName }) => typeName), 'grpc.health.v1.Health', ServerReflection.typeName];
    expect(services?.value).toMatchObject({ service: served.map((name) => ({ name })) });
    expect(healthFile?.case).toBe('fileDescriptorResponse');
    if (file?.case !== 'fileDescriptorResponse') throw new Error('a file was asked for');
    const names = file.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
    expect(names).toContain('earmark/v1/reservation_service.proto');
    expect(names).toContain('google/protobuf/timestamp.proto');
    expect(unknown).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
  });
});

describe('limits', () => {
  test('HTTP/1.1 headers beyond 16 KiB are refused', async () => {
    const response = await fetch(`${base}/livez`, { headers: { 'x-large': 'x'.repeat(17_000) } });
    expect(response.status).toBe(431);
  });

  test('HTTP/2 says how many calls and headers it takes', async () => {
    const session = connectHttp2(base);
    const settings = await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(settings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 16_384 });
    session.destroy();
  });

  test('bytes that are neither version of HTTP are told so, and the connection ends', async () => {
    const socket = connect(service.httpPort, '127.0.0.1');
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.write('\u0016\u0003\u0001 this is no request\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(received).toString()).toContain('400 Bad Request');
  });

  test('a preface that comes byte by byte is understood', async () => {
    const socket = connect(service.httpPort, '127.0.0.1');
    const request = 'GET /livez HTTP/1.1\r\nhost: earmark\r\nconnection: close\r\n\r\n';
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    for (const letter of request) await new Promise<void>((resolve) => socket.write(letter, () => resolve()));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(received).toString()).toMatch(/^HTTP\/1.1 200 OK/);
  });
});

test('the gRPC port hangs up on whatever is not HTTP/2', async () => {
  const socket = connect(service.grpcPort, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  expect(socket.bytesRead).toBe(0);
});

describe('stopping', () => {
  test('connections that say nothing do not hold it up', async () => {
    const silent = [service.grpcPort, service.httpPort].map((port) => connect(port, '127.0.0.1'));
    const closed = silent.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await service.closeDoors(60_000);
    await Promise.all(closed);
  });

  const { getRules } = RuleService.method;

  test('new calls are refused while it drains, running streams end, and both doors close', async () => {
    const callers = [
      createGrpcClient(service.grpcPort),
      createConnectClient(service.httpPort, '2'),
      createConnectClient(service.httpPort, '1.1'),
      createCurlClient(service.httpPort),
    ];
    const readers = [createGrpcStreams(service.grpcPort), createConnectStreams(service.httpPort, '1.1')];
    const streams = readers.map((reader) => reader.open(AvailabilityService.method.streamAvailability, {}));
    for (const stream of streams) expect(await stream.next()).toHaveProperty('message.snapshotComplete');

    service.pipeline.drain();
    for (const caller of callers) {
      const answer = await caller.call(getRules, {});
      expect(answer).toMatchObject({ code: 'UNAVAILABLE', reason: 'DRAINING', retryDelayMs: 1_000 });
    }
    const ready = await fetch(`${base}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('draining');

    service.pipeline.endStreams();
    for (const stream of streams) {
      expect(await stream.next()).toMatchObject({ end: { code: 'UNAVAILABLE', reason: 'DRAINING' } });
    }
    await service.closeDoors(5_000);
    await expect(fetch(`${base}/livez`)).rejects.toThrow();
    for (const each of [...callers, ...readers]) each.close();
  });

  test('what does not end in time is ended', async () => {
    const stream = createConnectStreams(service.httpPort, '1.1').open(
      AvailabilityService.method.streamAvailability,
      {},
    );
    expect(await stream.next()).toHaveProperty('message.snapshotComplete');
    await service.closeDoors(50);
    expect(await stream.next()).toHaveProperty('end');
  });
});

type Question = ServerReflectionRequest['messageRequest'];

function reflectionClient(port: number, path: string) {
  return async (questions: readonly Question[]) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const call = client.makeBidiStreamRequest(path, same, same, new Metadata());
    for (const messageRequest of questions) {
      const request = create(ServerReflectionRequestSchema, { messageRequest });
      call.write(Buffer.from(toBinary(ServerReflectionRequestSchema, request)));
    }
    call.end();
    const answers = [];
    for await (const bytes of call) answers.push(fromBinary(ServerReflectionResponseSchema, bytes).messageResponse);
    client.close();
    return answers;
  };
}
