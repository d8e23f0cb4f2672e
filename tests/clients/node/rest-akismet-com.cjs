// rest.akismet.com and the names below it are the service on 127.0.0.1 at the port STEWARD_PORT_OF_PROXY:
// node --require rest-akismet-com.cjs. It stands in for an entry in DNS and for a proxy on port 80.
const net = require('node:net')
const process = require('node:process')
const { connect } = net.Socket.prototype

net.Socket.prototype.connect = function (...asked) {
  const [options] = Array.isArray(asked[0]) ? asked[0] : asked
  if (/(^|\.)rest\.akismet\.com$/.test(options?.host ?? '') && Number(options.port) === 80) {
    Object.assign(options, { host: '127.0.0.1', port: Number(process.env.STEWARD_PORT_OF_PROXY) })
  }
  return connect.apply(this, asked)
}
