// ferry exec -- node --test
import assert from 'node:assert'
import { beforeEach, test } from 'node:test'

const workspace = process.env.FERRY_WORKSPACE_URL + '/admin/v1/workspace'
const call = async (method, path, body = {}) => {
  const answer = await fetch(workspace + path, method === 'POST'
    ? { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : { method })
  const json = await answer.json()
  assert.ok(answer.ok, json.meta?.error)
  return json
}
const track = (operation) => fetch(process.env.FERRY_WORKSPACE_URL + '/api/v2/entity', {
  method: 'POST',
  headers: { authorization: 'Basic ' + btoa(`${process.env.CUSTOMERIO_SITE_ID}:${process.env.CUSTOMERIO_API_KEY}`) },
  body: JSON.stringify(operation),
})

beforeEach(() => call('POST', '/reset'))

test('a person gets a plan', async () => {
  await track({ type: 'person', action: 'identify', identifiers: { id: 'u1' }, attributes: { plan: 'pro' } })
  const person = await call('GET', '/people/u1?wait=5&attributes.plan=pro')
  assert.equal(person.identifiers.id, 'u1')
})
