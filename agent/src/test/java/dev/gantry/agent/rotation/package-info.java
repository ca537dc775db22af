/** Tests of the rotation of logs. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.rotation;
