import { expect } from 'vitest';
import type { CaseWorld, WireCase } from './wire-cases.ts';
import type { WireClient } from './wire-client.ts';

/**
 * Makes the calls of a case and holds the last answer against what it expects.
 * @param meanwhile done between the calls that must succeed first and the one that is checked
 */
export async function checkCase(
  client: WireClient,
  wireCase: WireCase,
  world: CaseWorld,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<void> {
  for (const step of wireCase.before?.(world) ?? []) {
    expect(await client.call(step.method, step.request)).toMatchObject({ code: 'OK' });
  }
  await meanwhile();
  const { method, request } = wireCase.step(world);
  const answer = await client.call(method, request);
  expect({ code: answer.code, reason: answer.reason }).toEqual({ code: wireCase.code, reason: wireCase.reason ?? '' });
  expect(answer.metadata).toMatchObject(wireCase.metadata?.(world) ?? {});
  expect(answer.fields).toEqual(wireCase.fields ?? []);
  expect(answer.retryDelayMs).toBe(wireCase.retryDelayMs ?? null);
  expect(answer.json).toMatchObject(wireCase.json?.(world) ?? {});
}
