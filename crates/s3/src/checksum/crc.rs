//! Cyclic redundancy checks, eight bytes at a step.

/// Tables of a reflected polynomial; `tables[n]` moves a byte past `n` more.
pub(super) struct Crc {
    pub(super) polynomial: u64,
    tables: [[u64; 256]; 8],
}

pub(super) static CRC32C: Crc = Crc::new(0x82F6_3B78);
pub(super) static CRC64_NVME: Crc = Crc::new(0x9A6C_9329_AC4B_C9B5);
pub(super) static CRC32: Crc = Crc::new(0xEDB8_8320);

impl Crc {
    const fn new(polynomial: u64) -> Self {
        let mut tables = [[0; 256]; 8];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u64;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 };
                bit += 1;
            }
            tables[0][index] = value;
            index += 1;
        }
        let mut step = 1;
        while step < 8 {
            let mut index = 0;
            while index < 256 {
                let before = tables[step - 1][index];
                tables[step][index] = tables[0][(before & 0xFF) as usize] ^ (before >> 8);
                index += 1;
            }
            step += 1;
        }
        Crc { polynomial, tables }
    }
}

/// Takes more data into a register that began as all ones.
pub(super) fn update(crc: &Crc, register: u64, data: &[u8]) -> u64 {
    let table = &crc.tables;
    let mut register = register;
    let (blocks, rest) = data.as_chunks::<8>();
    for block in blocks {
        let mixed = u64::from_le_bytes(*block) ^ register;
        register = 0;
        for (index, byte) in mixed.to_le_bytes().into_iter().enumerate() {
            register ^= table[7 - index][usize::from(byte)];
        }
    }
    for byte in rest {
        register = table[0][usize::from(register as u8 ^ byte)] ^ (register >> 8);
    }
    register
}
