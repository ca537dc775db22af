package dev.gantry.linux.netlink;

import com.sun.jna.Native;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Hears what is taken out of packet filters, by anybody: the kernel's notifications (NFNLGRP_NFTABLES). Belongs to the network
 * namespace of the thread that opened it.
 */
public final class NfTablesMonitor implements Closeable {
    private static final int GROUP_NFTABLES = 7;
    private static final int NETLINK_NETFILTER = 12;
    private static final int NFGENMSG = 4;
    /** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE and NFTA_SET_TABLE are all the first attribute. */
    private static final int TABLE = 1;

    private static final int NFT_MSG_DELCHAIN = 5;
    private static final int NFT_MSG_DELRULE = 8;
    private static final int NFT_MSG_DELSET = 11;
    private static final Set<Integer> REMOVALS =
            Set.of(NfTables.NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE, NFT_MSG_DELSET);

    private final Fd fd;
    private final ByteBuffer received = ByteBuffer.allocateDirect(64 << 10);

    private NfTablesMonitor(Fd fd) {
        this.fd = fd;
    }

    /**
     * A table, or a chain, rule or map of it, was removed.
     *
     * @param table its name
     * @param port of the socket that did it, see {@link Netlink#port}
     */
    public record Removal(String table, int port) {}

    /**
     * Begins to listen.
     *
     * @throws ErrnoException EPROTONOSUPPORT if the kernel lacks the protocol
     */
    public static NfTablesMonitor open() throws ErrnoException {
        int number = NetlinkLibC.socket(
                NetlinkLibC.AF_NETLINK, NetlinkLibC.SOCK_RAW | NetlinkLibC.SOCK_CLOEXEC, NETLINK_NETFILTER);
        if (number < 0) {
            throw new ErrnoException(
                    "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_NETFILTER)", Native.getLastError());
        }
        Fd fd = Fd.of(number);
        // struct sockaddr_nl: family, padding, port, groups
        byte[] address = ByteBuffer.allocate(12)
                .order(ByteOrder.nativeOrder())
                .putShort((short) NetlinkLibC.AF_NETLINK)
                .putInt(8, 1 << (GROUP_NFTABLES - 1))
                .array();
        if (NetlinkLibC.bind(number, address, address.length) != 0) {
            int error = Native.getLastError();
            fd.close();
            throw new ErrnoException("bind(AF_NETLINK, NFNLGRP_NFTABLES)", error);
        }
        return new NfTablesMonitor(fd);
    }

    /** Readable when there is something to {@link #read}. */
    public Fd fd() {
        return fd;
    }

    /**
     * What was removed since the last call; does not wait.
     *
     * @throws ErrnoException ENOBUFS if there was so much that some of it is lost
     */
    public List<Removal> read() throws ErrnoException {
        List<Removal> removals = new ArrayList<>();
        while (true) {
            long length = NetlinkLibC.recv(
                    fd.number(), received, received.capacity(), NetlinkLibC.MSG_TRUNC | NetlinkLibC.MSG_DONTWAIT);
            if (length < 0) {
                int error = Native.getLastError();
                if (error == Errno.EAGAIN.number()) {
                    return removals;
                }
                if (error != Errno.EINTR.number()) {
                    throw new ErrnoException("recv(NETLINK_NETFILTER, notifications)", error);
                }
            } else if (length <= received.capacity()) {
                byte[] datagram = new byte[(int) length];
                received.duplicate().position(0).get(datagram);
                removals.addAll(removals(datagram));
            }
        }
    }

    static List<Removal> removals(byte[] datagram) {
        List<Removal> removals = new ArrayList<>();
        for (NetlinkReply message : NetlinkReply.parse(datagram)) {
            boolean ours = message.type() >>> 8 == NfTables.SUBSYSTEM && REMOVALS.contains(message.type() & 0xff);
            if (ours && message.body().length >= NFGENMSG) {
                Attributes.parse(message.body(), NFGENMSG)
                        .string(TABLE)
                        .ifPresent(table -> removals.add(new Removal(table, message.port())));
            }
        }
        return removals;
    }

    @Override
    public void close() {
        fd.close();
    }
}
