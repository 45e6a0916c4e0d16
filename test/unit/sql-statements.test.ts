import { describe, expect, it } from 'vitest'
import { isBlankSql, splitStatements } from '../../core/table/sql-statements.ts'

describe('splitStatements', () => {
  it.each([
    ['select 1; select 2;', ['select 1', 'select 2'], ''],
    ['select 1;\nselect', ['select 1'], '\nselect'],
    ["select ';'; select 'it''s;';", ["select ';'", "select 'it''s;'"], ''],
    ['select ";" from t;', ['select ";" from t'], ''],
    [String.raw`select E'\';'; select 1;`, [String.raw`select E'\';'`, 'select 1'], ''],
    ['select $$;$$; select $a$ ; $$ ; $a$;', ['select $$;$$', 'select $a$ ; $$ ; $a$'], ''],
    ['-- a;\nselect 1; /* ; */ ;;', ['-- a;\nselect 1'], ''],
    ["select 'open; select 2;", [], "select 'open; select 2;"],
    ['select /* open; ', [], 'select /* open; '],
    ['', [], ''],
  ])('%j', (sql, statements, rest) => {
    expect(splitStatements(sql)).toMatchObject({ statements, rest })
  })

  it('takes long texts', () => {
    const sql = `select '${'x;'.repeat(500_000)}'; ${'select 1; '.repeat(10_000)}`
    expect(splitStatements(sql).statements).toHaveLength(10_001)
  })
})

describe('isBlankSql', () => {
  it.each([
    ['', true],
    [' \n\t', true],
    ['-- only this', true],
    ['/* this */ -- and that\n', true],
    ['select', false],
    ["'", false],
  ])('%j: %s', (sql, isBlank) => {
    expect(isBlankSql(sql)).toBe(isBlank)
  })
})
