package dev.gantry.linux.netlink;

import dev.gantry.linux.ErrnoException;
import java.util.List;

/** A conversation with one netlink family of one network namespace. May be used by many threads. */
public interface Netlink extends AutoCloseable {
    /**
     * Sends requests in one system call and awaits their answers.
     *
     * <p>rtnetlink carries out each of them, whatever became of those before. nf_tables requests between
     * {@link NfTables#batchBegin()} and {@link NfTables#batchEnd()} take effect all together or not at all.
     *
     * @throws ErrnoException the first answer that its request does not tolerate
     */
    void transact(List<NetlinkRequest> requests) throws ErrnoException;

    /** Sends a request for data and collects what the kernel answers. */
    List<NetlinkData> query(NetlinkRequest request) throws ErrnoException;

    /** What notifications call this socket when they tell of its changes: {@code nlmsg_pid} of netlink(7). */
    int port();

    default void transact(NetlinkRequest request) throws ErrnoException {
        transact(List.of(request));
    }

    @Override
    void close();
}
