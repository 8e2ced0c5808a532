/** English: why no connection comes about, and what to do. */
import type { Widen } from './widen.ts'

export const causeWords = {
  causes: {
    mixedContent:
      'This page was loaded over https://, so the browser allows wss:// only. Use wss://, or open the page over http://.',
    tlsOnPlain: 'This port does not use TLS: use ws://.',
    plainOnTls: 'This port uses TLS: use wss://.',
    wrongPath: 'The path is wrong.',
    mqttPort:
      'This is a port for MQTT over TCP. A browser can only open WebSockets: use the WebSocket port of the broker.',
    otherPort: 'MQTT over WebSocket is on another port.',
    otherPath:
      'Perhaps the path is wrong: a web server answers there, but no broker at this path. Brokers mostly use /mqtt.',
    hiddenTls:
      'Perhaps this port uses TLS (wss://), with a certificate that the browser does not trust. Open the address; if the browser warns, accept the certificate or import the CA (mozzie tls-init writes it to ca.crt), then use wss://.',
    nothingListens:
      'Perhaps nothing is listening there: is the broker running? Are host and port correct?',
    noAnswer:
      'Nothing answers there, neither yes nor no: perhaps a firewall drops what is sent, the machine is off, or the host is wrong.',
    maybeMqttPort:
      'Perhaps this is a port for MQTT over TCP, which a browser cannot tell from a closed one and cannot speak. It needs a port for MQTT over WebSocket: often 9001, 8083 or 8084; in the configuration of Mozzie and mosquitto a listener with protocol websockets.',
    unknownCertificate:
      'The browser does not trust the certificate of this port. Open the address: the browser warns, and you can go on from there. Or import the CA that issued the certificate into the browser or the operating system. Then connect again.',
    certificate:
      'Perhaps the browser does not trust the certificate. Open the address, check the certificate and accept it, or import the CA (mozzie tls-init writes it to ca.crt).',
    originRefused:
      'Perhaps the broker refuses pages from this site: websockets_origin in its configuration allows them.',
  },
  openAddress: 'Open the address',
  downloadAuthority: 'Download the CA (ca.crt)',
  useAddress: (address: string) => `Connect to ${address}`,
  loginNeeded: 'The broker asks for a username and a password.',
  loginRefused: 'The broker refused the login. Check username and password.',
  takenOver: 'another connection uses its client ID, perhaps one in another tab',
  retryIn: (seconds: number) => `next attempt in ${seconds} s`,
}

export type CauseText = Widen<typeof causeWords>
