import type { MikroORM } from '@mikro-orm/postgresql';
import { FIRST_RULES, type Rules } from '../domain/rules.ts';
import { RuleVersionTable } from './tables/tables.ts';

/** The newest rules that are in effect. @throws Error where the database has not been migrated */
export async function readRules(orm: MikroORM): Promise<Rules> {
  const [row] = await orm.em
    .fork()
    .find(RuleVersionTable, { effectiveTime: { $lte: new Date() } }, { orderBy: { version: 'desc' }, limit: 1 });
  if (row === undefined) throw new Error('the database has not been migrated');
  const { version, effectiveTime, body } = row;
  return {
    ...FIRST_RULES,
    ...(body as Partial<Rules>),
    version: Number(version),
    effectiveAt: effectiveTime.getTime(),
  };
}
