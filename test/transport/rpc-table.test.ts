import { expect, test } from 'vitest';
import { authenticateNobody, type Principal } from '../../src/transport/authentication.ts';
import { authorise, rolesAllowed } from '../../src/transport/authorisation.ts';
import { createRpcs, type HandlerDeps } from '../../src/transport/handlers.ts';
import { rpcName } from '../../src/transport/rpc.ts';
import { buildRpcTable, SERVICES } from '../../src/transport/rpc-table.ts';

const methods = SERVICES.flatMap((service) => service.methods);

test('every published RPC has exactly one answer', () => {
  const rpcs = createRpcs({} as HandlerDeps);
  expect(rpcs.map((rpc) => rpcName(rpc.method)).sort()).toEqual(methods.map(rpcName).sort());
});

test('an RPC without a handler stops the start', () => {
  expect(() => buildRpcTable([])).toThrow('must have an answer');
});

test('every RPC says who may call it', () => {
  for (const method of methods) expect(rolesAllowed(method).size, rpcName(method)).toBeGreaterThan(0);
});

test('the anonymous principal may call everything, and one without roles nothing', async () => {
  const anonymous = await authenticateNobody(() => undefined);
  const nobody: Principal = { ...anonymous, roles: new Set() };
  for (const method of methods) {
    const allowed = rolesAllowed(method);
    expect(() => authorise(anonymous, allowed)).not.toThrow();
    expect(() => authorise(nobody, allowed)).toThrow('not allowed');
  }
});

test('an RPC that declares nobody is refused to everybody', async () => {
  const anonymous = await authenticateNobody(() => undefined);
  expect(() => authorise(anonymous, new Set())).toThrow('not allowed');
});
