import type { Pool } from 'pg';
import type { Equivalents } from '../ports/equivalents.ts';

export function createEquivalents(pool: Pool): Equivalents {
  return {
    async of(skus, limit) {
      const result = await pool.query<{ sku: string; equivalent_skus: string[] }>({
        name: 'read-equivalents',
        text: `select i.sku, i.equivalent_skus[:$2::int] as equivalent_skus from item i
          where i.sku = any($1::text[]) and i.equivalent_skus <> '{}'`,
        values: [skus, limit],
      });
      return new Map(result.rows.map((row) => [row.sku, row.equivalent_skus]));
    },
  };
}
