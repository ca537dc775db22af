package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class NodeProbeTest {
    @Test
    void anAddressIsWrittenAsPeopleWriteIt() {
        Optional<String> address = NodeProbe.sourceAddress("2001:db8::1");
        assumeTrue(address.isPresent(), "this machine has no route for IPv6");

        assertThat(address.get()).doesNotContain("0:0", "%").contains(":");
    }
}
