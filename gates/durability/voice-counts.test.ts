import assert from 'node:assert/strict'
import { test } from 'node:test'
import { voiceCounts } from './voice-counts.ts'

test('sessions are summed over their reasons, and comments count for nothing', () => {
  const metrics = `# HELP sonia_voice_sessions_closed_total Sessions that were closed
# TYPE sonia_voice_sessions_closed_total counter
sonia_voice_sessions_created_total 9
sonia_voice_sessions_closed_total{reason="clean"} 4
sonia_voice_sessions_closed_total{reason="overflow"} 2
sonia_voice_sessions_active 3
`
  assert.deepEqual(voiceCounts(metrics), { created: 9, closed: 6, active: 3, overflows: 2 })
})
