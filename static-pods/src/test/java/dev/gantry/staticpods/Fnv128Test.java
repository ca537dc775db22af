package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Fnv128Test {
    private static final BigInteger PRIME = BigInteger.ONE.shiftLeft(88).add(BigInteger.valueOf(0x13b));
    private static final BigInteger MASK = BigInteger.ONE.shiftLeft(128).subtract(BigInteger.ONE);

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "foobar", "ein längerer Text mit ümlauten", "host:node-1"})
    void itIsTheHashOfItsDefinition(String text) {
        BigInteger hash = new BigInteger("6c62272e07bb014262b821756295c58d", 16);
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            hash = hash.xor(BigInteger.valueOf(b & 0xff)).multiply(PRIME).and(MASK);
        }

        assertThat(new Fnv128().add(text).hex()).isEqualTo("%032x".formatted(hash));
    }
}
