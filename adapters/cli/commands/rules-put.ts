import { readFile } from 'node:fs/promises';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { PutRulesResponseSchema } from '../../../src/gen/earmark/v1/rule_service_pb.ts';
import { type Rules, RulesSchema } from '../../../src/gen/earmark/v1/rules_pb.ts';
import { UsageError } from '../failures.ts';
import { answer, type Session } from '../session.ts';

/**
 * Makes a new version of the rules of what a file says, as `rules get` prints it.
 * @throws UsageError where the file cannot be read or holds no rules
 */
export async function putRules(session: Session, path: string, reason: string | undefined): Promise<void> {
  const told = await readRules(path);
  const rules = reason === undefined ? told : { ...told, reason };
  const response = await session.rules.putRules({ requestId: session.newId(), rules });
  await answer(session, PutRulesResponseSchema, response, () => {
    const { version, effectiveTime } = response.rules ?? rules;
    const from = effectiveTime === undefined ? '' : ` holds from ${timestampDate(effectiveTime).toISOString()}`;
    return `version ${version}${from}; what is held keeps the version it was decided by`;
  });
}

/** @throws UsageError where the file cannot be read or holds no rules */
export async function readRules(path: string): Promise<Rules> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${path} cannot be read: ${error.code}`);
  });
  try {
    return fromJson(RulesSchema, rulesIn(JSON.parse(text) as JsonValue));
  } catch (error) {
    throw new UsageError(`${path} holds no rules: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** With `--json`, `rules get` prints the rules inside the answer. */
function rulesIn(document: JsonValue): JsonValue {
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document);
  return isObject && Object.keys(document).join() === 'rules' ? (document.rules ?? null) : document;
}
