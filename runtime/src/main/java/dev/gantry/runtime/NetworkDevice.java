package dev.gantry.runtime;

import java.util.ArrayList;
import java.util.List;

/** What a network interface has carried: a line of {@code /proc/net/dev}. */
record NetworkDevice(
        String name,
        long receivedBytes,
        long receivedPackets,
        long receiveErrors,
        long receiveDrops,
        long sentBytes,
        long sentPackets,
        long sendErrors,
        long sendDrops) {
    /** {@code name: rxBytes rxPackets rxErrors rxDrops … (8 columns) txBytes txPackets txErrors txDrops …}; loopback is left out. */
    static List<NetworkDevice> parse(String procNetDev) {
        List<NetworkDevice> devices = new ArrayList<>();
        for (String line : procNetDev.split("\n", -1)) {
            int colon = line.indexOf(':');
            if (colon < 0) {
                continue;
            }
            String name = line.substring(0, colon).strip();
            String[] columns = line.substring(colon + 1).strip().split("\\s+", -1);
            if (!name.equals("lo") && columns.length >= 12) {
                devices.add(new NetworkDevice(
                        name,
                        Long.parseUnsignedLong(columns[0]),
                        Long.parseUnsignedLong(columns[1]),
                        Long.parseUnsignedLong(columns[2]),
                        Long.parseUnsignedLong(columns[3]),
                        Long.parseUnsignedLong(columns[8]),
                        Long.parseUnsignedLong(columns[9]),
                        Long.parseUnsignedLong(columns[10]),
                        Long.parseUnsignedLong(columns[11])));
            }
        }
        return devices;
    }
}
