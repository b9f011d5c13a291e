import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBudget } from './budget.ts'

const NOON = Date.parse('2026-01-01T12:00:00Z')
const NEXT_DAY = Date.parse('2026-01-02T00:00:00Z')

test('a budget is exceeded when it is used up, and new at midnight UTC', () => {
  const budget = createBudget({ usdPerDay: 1, tokensPerDay: Number.POSITIVE_INFINITY })
  budget.spend({ usd: 0.9, tokens: 10 }, NOON)
  assert.equal(budget.isExceeded(NOON), false)
  budget.spend({ usd: 0.1, tokens: 10 }, NOON)
  assert.equal(budget.isExceeded(NOON), true)
  assert.equal(budget.isExceeded(NEXT_DAY - 1), true)
  assert.equal(budget.isExceeded(NEXT_DAY), false)
  assert.deepEqual(budget.spent(NEXT_DAY), { usd: 0, tokens: 0 })
})

test('tokens count as well as money', () => {
  const budget = createBudget({ usdPerDay: Number.POSITIVE_INFINITY, tokensPerDay: 100 })
  budget.spend({ usd: 0, tokens: 100 }, NOON)
  assert.equal(budget.isExceeded(NOON), true)
})

test('without limits nothing is exceeded', () => {
  const budget = createBudget({ usdPerDay: Number.POSITIVE_INFINITY, tokensPerDay: Number.POSITIVE_INFINITY })
  budget.spend({ usd: 1e9, tokens: 1e12 }, NOON)
  assert.equal(budget.isExceeded(NOON), false)
})
