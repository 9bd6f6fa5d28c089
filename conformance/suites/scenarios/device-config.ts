import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { busMaster, close, memory, openDevice } from '../../programs/build.ts';
import { readConfig, readRegion, writeConfig, writeRegion } from '../../programs/device-ops.ts';
import { ready, type Scenario } from './scenario.ts';

const open = openDevice('g', 'g', 'd');
const opened: Op[] = [...ready(), open, memory('out', 1)];
const reopen: Op[] = [close('d'), open];
const readHeader = (at: number) => readConfig('d', 0, 64, at);
const readMsi = (at: number) => readConfig('d', 64, 16, at);

/** What an opening of a device finds, and what its closing leaves. */
export const deviceConfigScenarios: Scenario[] = [
  {
    id: 'device_first_open_starts_over',
    about: 'At its first open a device has memory decode on and bus mastering off, whatever the last user did.',
    ops: [
      ...opened,
      readHeader(0),
      ...busMaster('d'),
      ...writeConfig('d', 0xc, '40'),
      readHeader(64),
      ...reopen,
      readHeader(128),
      ...writeConfig('d', 4, '0000'),
      ...reopen,
      readHeader(192),
      readRegion('d', 0, 0x80, 4, 256),
    ],
  },
  {
    id: 'device_opened_twice_shares_config',
    about: 'Two descriptors of a device share its config space, which starts over when the last is closed.',
    ops: [
      ...opened,
      ...busMaster('d'),
      openDevice('g', 'g', 'e'),
      readConfig('e', 4, 2),
      ...writeConfig('e', 0x44, '0010e0fe'),
      close('d'),
      readConfig('e', 0x44, 4, 16),
      close('e'),
      open,
      readConfig('d', 4, 2, 32),
      readConfig('d', 0x44, 4, 48),
    ],
  },
  {
    id: 'device_interrupt_line_is_reset',
    about: 'An interrupt line that a user wrote is gone after the last close.',
    ops: [...opened, ...writeConfig('d', 0x3c, 'a5'), readHeader(0), ...reopen, readHeader(64), readMsi(128)],
  },
  {
    id: 'device_msi_message_is_reset',
    about: 'Address, data and control of MSI that a user wrote are gone after the last close.',
    ops: [
      ...opened,
      ...writeConfig('d', 0x42, 'ff'),
      ...writeConfig('d', 0x44, '0010e0fe0000000041000000'),
      readMsi(0),
      ...reopen,
      readMsi(64),
      // Behind the message.
      ...writeConfig('d', 0x4e, '0000'),
    ],
  },
  {
    id: 'device_unassigned_config_outlives_close',
    about: 'Bytes of config space behind the capabilities are still there for the next user.',
    ops: [
      ...opened,
      ...writeConfig('d', 0x80, 'c0ffee'),
      readConfig('d', 0x7c, 16),
      ...reopen,
      readConfig('d', 0x7c, 16, 16),
      ...writeConfig('d', 0x80, '000000'),
      readConfig('d', 0x7c, 16, 32),
    ],
  },
  {
    id: 'device_base_address_reports_size',
    about: 'All ones in a base address register read back as the size of the BAR; the BAR goes on working where it is.',
    ops: [
      ...opened,
      ...writeConfig('d', 0x10, 'ffffffff'),
      readConfig('d', 0x10, 24),
      ...writeConfig('d', 0x10, '00000000'),
      readConfig('d', 0x10, 4, 32),
      ...writeRegion('d', 0, 0x80, '01020304'),
      readRegion('d', 0, 0x80, 4, 64),
      ...writeConfig('d', 0x30, 'ffffffff'),
      readConfig('d', 0x30, 4, 96),
    ],
  },
  {
    id: 'device_responds_once_decode_is_on_again',
    about: 'With memory decode off a BAR gives EIO, and what its registers hold is there when it is on again.',
    ops: [
      ...opened,
      ...writeRegion('d', 0, 0x80, '0102030405060708'),
      ...writeConfig('d', 4, '0000'),
      readRegion('d', 0, 0x80, 8),
      ...writeRegion('d', 0, 0x80, 'ff'),
      ...writeConfig('d', 4, '0200'),
      readRegion('d', 0, 0x80, 8),
    ],
  },
  {
    id: 'device_register_halves',
    about: 'What a register of 8 bytes keeps of one access of 8 bytes, of one of 4, and of one to its upper half.',
    ops: [
      ...opened,
      ...writeRegion('d', 0, 0x88, 'a0a1a2a3a4a5a6a7'),
      readRegion('d', 0, 0x88, 8),
      readRegion('d', 0, 0x88, 4, 16),
      readRegion('d', 0, 0x8c, 4, 32),
      ...writeRegion('d', 0, 0x8c, 'b4b5b6b7'),
      readRegion('d', 0, 0x88, 8, 48),
      ...writeRegion('d', 0, 0x88, 'c0c1c2c3'),
      readRegion('d', 0, 0x88, 8, 64),
    ],
  },
];
